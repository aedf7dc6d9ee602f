#!/usr/bin/env bash
# Runs the Kafka Streams peer in the foreground until SIGTERM; builds it first when its sources are newer. README.md names the settings.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/target"
(
    flock 9
    built=$here/target/peer.jar
    if [ ! -e "$built" ] || [ -n "$(find "$here/src/main" "$here/pom.xml" -newer "$built" -print -quit)" ]; then
        mvn -q -B -f "$here/pom.xml" -Dmaven.test.skip=true package >"$here/target/build.log" 2>&1 || { cat "$here/target/build.log" >&2; exit 1; }
    fi
) 9>"$here/target/lock"
if [ "${1:-}" = "--build-only" ]; then exit; fi
# shellcheck disable=SC2086 # options are words
exec java ${BENCH_JAVA_OPTIONS:--XX:+UseParallelGC -Xms512m -Xmx1g} -cp "$here/target/peer.jar:$here/target/lib/*" cityloop.bench.Main

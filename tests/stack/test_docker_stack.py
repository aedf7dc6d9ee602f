"""`cityloop up --docker`, with a stand-in for the docker command: what is asked of compose, and what is made of its answers."""

import os
from pathlib import Path

import pytest

from adapters.stack_docker import DockerStack, engine_answers
from adapters.stack_state import Mode, StateFile
from incidents.errors import UserError

DOCKER = """#!/bin/sh
echo "$*" >> "{folder}/asked"
case "$*" in
*" ps "*) printf '%s\\n' '{{"Service":"kafka","State":"running"}}' '{{"Service":"redis","State":"running"}}' ;;
*" up "*)
    echo "$CITYLOOP_PUBLISHED_KAFKA $CITYLOOP_PUBLISHED_REDIS" > "{folder}/ports"
    [ ! -e "{folder}/broken" ] || {{ echo "no space left" >&2; exit 1; }} ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in is and writes down what it was asked."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.format(folder=tmp_path))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_up_starts_the_engines_on_published_ports_and_down_removes_them(folder: Path) -> None:
    assert engine_answers()
    stack = DockerStack(StateFile(folder / "local"))
    status = stack.up(lambda _: None)
    kafka, redis = (folder / "ports").read_text().split()
    assert status.up and not status.already and status.mode is Mode.DOCKER
    assert status.addresses == {"kafka_bootstrap": f"127.0.0.1:{kafka}", "redis_url": f"redis://127.0.0.1:{redis}/0"}
    assert stack.up(lambda _: None).already
    assert stack.down() and not stack.status().up
    asked = [line.split("docker-compose.yml ")[-1] for line in (folder / "asked").read_text().splitlines()]
    assert asked.count("up --detach --wait kafka redis") == 1 and asked[-1] == "down"


def test_when_compose_fails_its_words_are_the_message_and_nothing_stays(folder: Path) -> None:
    (folder / "broken").touch()
    stack = DockerStack(StateFile(folder / "local"))
    with pytest.raises(UserError, match=r"docker compose up failed: no space left; `cityloop up --native` needs no Docker"):
        stack.up(lambda _: None)
    assert (folder / "asked").read_text().rstrip().endswith(" down") and not stack.status().up

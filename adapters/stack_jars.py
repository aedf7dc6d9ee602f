"""Fetches what the native stack runs on: the programs by apt where we may, Kafka's jars by Maven.

It is the first step of `cityloop up` and of the tests. What is there already is left alone; what was interrupted goes on where it
stopped, for Maven keeps what it has; two callers at once wait for each other.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import ROOT
from incidents.errors import UserError

Say = Callable[[str], None]
POM = ROOT / "deploy" / "local" / "pom.xml"
JARS = ROOT / "deploy" / "local" / "jars"
COMPLETE = JARS / "complete"
JAVA_AT_LEAST = 17


@dataclass(frozen=True)
class Tool:
    """A program of the native stack and the Debian package that brings it."""

    program: str
    package: str


TOOLS = (Tool("java", "default-jre-headless"), Tool("mvn", "maven"), Tool("redis-server", "redis-server"))


def ensure_tools(say: Say) -> None:
    """Java 17+, Redis and, while jars are to be fetched, Maven are there afterwards.

    Raises UserError naming the packages when they are missing and we may not install.
    """
    needed = [tool for tool in TOOLS if tool.program != "mvn" or not _jars_are_complete()]
    if missing := [tool.package for tool in needed if not _has(tool)]:
        install(missing, say)
    if still := [tool for tool in needed if not _has(tool)]:
        raise UserError(f"{still[0].program} is still missing after installing {still[0].package}; is it on PATH?")


def install(packages: Sequence[str], say: Say) -> None:
    """Installs Debian packages. Raises UserError naming them when this is no Debian, we are not root, or apt fails."""
    wanted = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise UserError(f"missing programs: install the packages {wanted} (Debian: sudo apt-get install {wanted}) and try again")
    say(f"installing {wanted} …")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install_command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    for command in (["apt-get", "update"], install_command):
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise UserError(f"apt-get cannot install {wanted}: {done.stderr.strip()[-400:]}")


def ensure_jars(say: Say) -> Path:
    """The folder with the jars that pom.xml names, fetched when they are not there. Raises UserError when Maven fails."""
    JARS.mkdir(parents=True, exist_ok=True)
    with (JARS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _jars_are_complete():
            return JARS
        say("fetching the broker's jars (about 45 MB, once) …")
        for old in JARS.glob("*.jar"):
            old.unlink()
        _copy_dependencies()
        COMPLETE.write_text(_pom_digest(), "utf-8")
    return JARS


def _jars_are_complete() -> bool:
    """Whether all jars of this very pom.xml are there."""
    return COMPLETE.exists() and COMPLETE.read_text("utf-8") == _pom_digest()


def _pom_digest() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _copy_dependencies() -> None:
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = re.sub(r"https?://\S+", "the repository", (done.stdout + done.stderr).strip())
        raise UserError(f"Maven cannot fetch the broker's jars; try again, what was fetched is kept.\n{said[:800]}")


def _has(tool: Tool) -> bool:
    if not shutil.which(tool.program):
        return False
    if tool.program != "java":
        return True
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return bool(version and int(version.group(1)) >= JAVA_AT_LEAST)

"""`cityloop demo` without a terminal: a story that ends by itself, an exact sum, nothing left behind; and a child that falls ends it."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.stack_engines import free_port
from incidents.rights import BLIND
from incidents.vocabulary import Role
from tests.stack.commands import LAUNCHER, bare_environment, cityloop

pytestmark = pytest.mark.stack

SUM = re.compile(r"(N) reported = (N) opened \+ (N) merged \+ (N) held \+ (N) resent \+ (N) rejected; (N) lost".replace("N", "[0-9,]+"))


def left_behind(folder: Path) -> list[str]:
    """Processes that name this folder in their arguments or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:  # it ended, or is not ours to see
                continue
            if str(folder).encode() in told:
                found.append(f"{entry.name} {told[:200]!r}")
    return found


def number(text: str) -> int:
    """A number with commas."""
    return int(text.replace(",", ""))


def figure(summary: str, fact: str) -> int:
    """How often the summary says a fact happened, by its English name."""
    found = re.search(rf"{fact}\s+([\d,]+)", summary)
    assert found, f"no {fact} in the summary:\n{summary}"
    return number(found[1])


@pytest.fixture
def local_dir(tmp_path: Path) -> Iterator[Path]:
    """Where a demo may put its things; nothing of it may run afterwards."""
    yield tmp_path / "local"
    assert left_behind(tmp_path) == []


def test_a_short_story_ends_by_itself_with_an_exact_sum(local_dir: Path) -> None:
    done = tell(local_dir, free_port())
    assert done.returncode == 0, done.stderr + done.stdout
    found = SUM.search(done.stdout)
    assert found, done.stdout
    reported, *parts = (number(text) for text in found.groups()[:6])
    assert reported == sum(parts)
    assert found[7] == "0"
    opened, merged, _, _, rejected = parts
    assert opened > 20 and merged > 20 and rejected > 0
    assert figure(done.stdout, "Closed") >= 1
    assert figure(done.stdout, "Filed") > figure(done.stdout, "Closed")
    assert "cases that took a turn and are over" in done.stdout
    assert re.search(r"the page: http://127\.0\.0\.1:\d+/", done.stderr)
    assert re.search(r"for phones: http://127\.0\.0\.1:\d+/field", done.stderr)
    accounts = re.findall(r"^  (\w+) +\w{6}-\w{6}-\w{6}  \S+", done.stderr, re.MULTILINE)
    assert set(accounts) == {role for role in Role if role not in BLIND}
    assert list(local_dir.iterdir()) == []


def test_a_child_that_falls_ends_the_demo_with_the_end_of_its_log(local_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = tell(local_dir, taken.getsockname()[1])
    assert done.returncode == 1, done.stderr + done.stdout
    assert "console ended with exit code 2" in done.stderr
    assert "cannot listen on" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demo_that_nobody_listens_to_any_more_still_takes_its_servers_away(local_dir: Path) -> None:
    environment = bare_environment(CITYLOOP_LOCAL_DIR=local_dir, CITYLOOP_HTTP_PORT=free_port())
    command = [str(LAUNCHER), "demo", "--story", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as demo:
        assert demo.stdout is not None
        assert any("making accounts" in line for line in demo.stdout), "Kafka and Redis are running"
        demo.stdout.close()
        assert demo.wait(600) != 0


def tell(local_dir: Path, page_port: int) -> "subprocess.CompletedProcess[str]":
    """A story of 25 seconds, more than four hours of the city."""
    return cityloop("demo", "--story", "25", CITYLOOP_LOCAL_DIR=local_dir, CITYLOOP_HTTP_PORT=page_port)

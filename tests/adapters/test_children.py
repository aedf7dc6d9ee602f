"""The processes of a worker: started again when they die, ended with their parent, and no loop of restarts for a person's mistake."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import children
from adapters.children import Children
from config.settings import ROOT
from tests.waiting import until


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


PARENT = """
import signal, sys
from adapters import children
children._START = sys.argv[1]
sys.exit(children.run_children([[sys.argv[2]], [sys.argv[2]]], [signal.SIGHUP]))
"""
CHILD = """
import sys; sys.path[:0] = sys.argv[1:2]
import os, pathlib, signal, time
from adapters.children import watch_parent
watch_parent(int(sys.argv[-1]), lambda: None)
mine = pathlib.Path(sys.argv[2], str(os.getpid()))
signal.signal(signal.SIGHUP, lambda *_: mine.unlink())
mine.touch()
time.sleep(600)
"""


class Family:
    """A parent with two children that note their pids in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(folder)], env=environment, stderr=subprocess.DEVNULL)

    def pids(self) -> list[int]:
        """The children that live."""
        return [pid for path in self.folder.iterdir() if alive(pid := int(path.name))]

    def wait_for_two(self) -> list[int]:
        """The two children, once there."""
        until(lambda: len(self.pids()) == 2, "two children")
        return self.pids()


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path)


def test_a_killed_parent_takes_its_children_along(family: Family) -> None:
    family.wait_for_two()
    family.parent.kill()
    family.parent.wait()
    until(lambda: not family.pids(), "the end of the children")


def test_a_signal_that_is_theirs_is_passed_on(family: Family) -> None:
    pids = family.wait_for_two()
    family.parent.send_signal(signal.SIGHUP)
    until(lambda: not list(family.folder.iterdir()), "the word of both children")
    assert all(alive(pid) for pid in pids) and family.parent.poll() is None
    family.parent.terminate()
    family.parent.wait(60)


def test_a_killed_child_is_started_again(family: Family) -> None:
    first, second = family.wait_for_two()
    os.kill(first, signal.SIGKILL)
    until(lambda: len(family.pids()) == 2 and first not in family.pids(), "a new child")
    assert second in family.pids()
    family.parent.terminate()
    family.parent.wait(60)


def test_sigterm_ends_all_with_exit_code_0(family: Family) -> None:
    family.wait_for_two()
    family.parent.terminate()
    assert family.parent.wait(60) == 0
    assert not family.pids()


def test_a_person_s_mistake_ends_the_whole_with_2_and_without_a_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "import sys, pathlib, uuid; pathlib.Path(sys.argv[2], uuid.uuid4().hex).touch(); sys.exit(2)"
    monkeypatch.setattr(children, "_START", wrong)
    code = asyncio.run(Children([[str(tmp_path)]]).run(asyncio.Event()))
    assert (code, len(list(tmp_path.iterdir()))) == (2, 1)

"""What a run came to, as its file says it."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.outcome import Outcome

When = Literal["setup", "call", "teardown"]


def told(name: str, outcome: Any, when: When = "call", words: Any = None, markers: tuple[str, ...] = (), seconds: float = 1) -> Any:
    """pytest's report of a set-up, a call or a tear-down."""
    return pytest.TestReport(name, (name, 1, name), dict.fromkeys(markers, 1), outcome, words, when, duration=seconds)


def written(folder: Path, *reports: Any, status: pytest.ExitCode = pytest.ExitCode.TESTS_FAILED) -> list[dict[str, Any]]:
    """The files after a run of these reports."""
    run = Outcome(folder, ("-n", "2"), 2, commit="abc1234", changed=["Makefile"], wanted=5)
    for report in reports:
        run.pytest_runtest_logreport(report)
    run.pytest_sessionfinish(status)
    return [json.loads(path.read_text("utf-8")) for path in folder.glob("????-??-??-abc1234.json")]


def test_tests_are_counted_once_by_part_and_by_marker(tmp_path: Path) -> None:
    good, bad = "tests/api/test_a.py::test_good", "tests/api/deep/test_b.py::test_bad"
    reports = [told(good, "passed", when) for when in ("setup", "call", "teardown")]
    [found] = written(tmp_path, *reports, told(bad, "failed", words="no", markers=("slow", "stack")))
    assert (found["passed"], found["failed"], found["test_s"]) == (1, 1, 4)
    assert found["parts"] == {"api": {"passed": 1, "failed": 1, "test_s": 4}}
    assert found["markers"]["slow"] == found["markers"]["stack"] == {"passed": 0, "failed": 1, "test_s": 1}
    assert (found["command"], found["commit"], found["changed"], found["processes"]) == ("pytest -n 2", "abc1234", ["Makefile"], 2)
    assert found["slowest"] == {good: 3, bad: 1}


def test_what_failed_and_what_was_left_out_is_told_with_its_words(tmp_path: Path) -> None:
    reports = [
        told("tests/x/test_x.py::test_wrong", "failed", words="assert 1 == 2"),
        told("tests/x/test_x.py::test_no_server", "failed", "setup", words="no java"),
        told("tests/x/test_x.py::test_not_tidy", "passed"),
        told("tests/x/test_x.py::test_not_tidy", "failed", "teardown", words="still running"),
        told("tests/x/test_x.py::test_not_here", "skipped", "setup", words=("x.py", 3, "Skipped: no network")),
    ]
    [found] = written(tmp_path, *reports)
    assert [found.get(outcome) for outcome in ("passed", "failed", "error", "skipped")] == [0, 1, 2, 1]
    assert list(found["failures"].values()) == ["no java", "still running", "assert 1 == 2"]
    assert found["left_out"] == {"tests/x/test_x.py::test_not_here": "Skipped: no network"}


def test_a_run_that_was_broken_off_says_how_many_were_not_run(tmp_path: Path) -> None:
    [found] = written(tmp_path, told("tests/x/test_x.py::test_a", "passed"), status=pytest.ExitCode.INTERRUPTED)
    assert (found["passed"], found["not_run"]) == (1, 4)


@pytest.mark.parametrize("status", [pytest.ExitCode.INTERRUPTED, pytest.ExitCode.NO_TESTS_COLLECTED])
def test_a_run_of_nothing_leaves_nothing(tmp_path: Path, status: pytest.ExitCode) -> None:
    assert written(tmp_path, status=status) == []

"""What a run of the tests came to, as a short file: `pytest --outcome FOLDER` writes `<date>-<commit>.json` there, `make test-all` does.

It holds pytest's own reports: counted by part (the folder of `tests/`) and by marker, what failed with its first words, what was left out
and why, what took longest. A run that was broken off says how many were not run. In a run of several processes the one that hands out the
tests writes.
"""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results import commit, machine
from config.settings import ROOT

MARKERS = ("slow", "stack", "browser")
WORST_FIRST = ("failed", "error", "skipped", "passed")
TELLING = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
MOST_WORDS = 300
SLOWEST = 10


@dataclass
class Told:
    """One test: its worst outcome over set-up, call and tear-down, with the words of that; the seconds of all three."""

    markers: tuple[str, ...]
    outcome: str = "passed"
    words: str = ""
    seconds: float = 0

    def also(self, outcome: str, words: str, seconds: float) -> None:
        """One of the three more."""
        self.seconds += seconds
        if WORST_FIRST.index(outcome) < WORST_FIRST.index(self.outcome):
            self.outcome, self.words = outcome, words


@dataclass
class Outcome:
    """The plugin: hears every report, writes the file when the run is over."""

    folder: Path
    said: Sequence[str] = ()
    processes: int = 1
    commit: str = field(default_factory=commit)
    changed: list[str] = field(default_factory=lambda: _changed())
    tests: dict[str, Told] = field(default_factory=dict)
    wanted: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    began_s: float = field(default_factory=time.monotonic)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hears what became of a set-up, a call or a tear-down."""
        told = self.tests.setdefault(report.nodeid, Told(tuple(name for name in MARKERS if name in report.keywords)))
        told.also("error" if report.failed and report.when != "call" else report.outcome, _words(report), report.duration)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learns how many tests there are to run."""
        self.wanted = max(self.wanted, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same of a process that was handed the tests; each finds all of them."""
        self.wanted = len(ids)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes, unless no test was run at all."""
        if exitstatus in TELLING and self.tests:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{self.began:%Y-%m-%d}-{self.commit}.json"
            path.write_text(json.dumps(self.content(), indent=1, ensure_ascii=False) + "\n", "utf-8")

    def content(self) -> dict[str, Any]:
        """What the file says."""
        slowest = sorted(self.tests.items(), key=lambda item: -item[1].seconds)[:SLOWEST]
        return {
            "command": " ".join(("pytest", *self.said)),
            "commit": self.commit,
            "changed": self.changed,
            "machine": machine(),
            "processes": self.processes,
            "began": f"{self.began:%Y-%m-%dT%H:%M:%SZ}",
            "took_s": round(time.monotonic() - self.began_s),
            **_counted(self.tests.values()),
            "not_run": self.wanted - len(self.tests),
            "parts": {part: _counted(self._of(part)) for part in sorted({_part(name) for name in self.tests})},
            "markers": {marker: _counted(each for each in self.tests.values() if marker in each.markers) for marker in MARKERS},
            "failures": self._with("failed", "error"),
            "left_out": self._with("skipped"),
            "slowest": {name: round(told.seconds, 1) for name, told in slowest},
        }

    def _of(self, part: str) -> Iterable[Told]:
        return (told for name, told in self.tests.items() if _part(name) == part)

    def _with(self, *outcomes: str) -> dict[str, str]:
        return {name: told.words for name, told in sorted(self.tests.items()) if told.outcome in outcomes}


def _counted(tests: Iterable[Told]) -> dict[str, int]:
    """How many of each outcome there is, `passed` and `failed` in any case, and the seconds of all."""
    counts, seconds = Counter[str](), 0.0
    for each in tests:
        counts[each.outcome] += 1
        seconds += each.seconds
    return {"passed": 0, "failed": 0, **counts, "test_s": round(seconds)}


def _part(name: str) -> str:
    return Path(name.partition("::")[0]).parts[1]


def _words(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):  # where it was skipped, and why
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr or "")[:MOST_WORDS]


def _changed() -> list[str]:
    """The files that are not as the commit has them."""
    asked = ["git", "status", "--porcelain", "--untracked-files=no"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return [line[3:] for line in done.stdout.splitlines()]

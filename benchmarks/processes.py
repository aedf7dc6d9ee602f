"""What processes have used, from their own accounting in /proc: CPU seconds and resident memory of a process with its children (Linux)."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_EVERY_S = 0.1
LOOK_FOR_CHILDREN_S = 1.0


def tree(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield from tree(int(child))


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of one living process; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of one living process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


@dataclass
class Meter:
    """Samples the CPU time and memory of named process trees, ten times a second at most, for looking back."""

    roots: Mapping[str, int]
    samples: list[tuple[float, dict[str, float], dict[str, float]]] = field(default_factory=list)
    _members: dict[str, list[int]] = field(default_factory=dict)
    _looked_at: float = 0.0

    def sample(self, now: bool = False) -> None:
        """Take a sample when one is due, or at once."""
        at = time.time()
        if self.samples and not now and at - self.samples[-1][0] < SAMPLE_EVERY_S:
            return
        if at - self._looked_at >= LOOK_FOR_CHILDREN_S:
            self._members = {name: list(tree(pid)) for name, pid in self.roots.items()}
            self._looked_at = at
        cpu = {name: sum(map(cpu_s, pids)) for name, pids in self._members.items()}
        rss = {name: sum(map(rss_mb, pids)) for name, pids in self._members.items()}
        self.samples.append((at, cpu, rss))

    def cpu_between(self, name: str, begin_s: float, end_s: float) -> float:
        """CPU seconds used between two moments (seconds since 1970), interpolated."""
        return self._cpu_at(name, end_s) - self._cpu_at(name, begin_s)

    def _cpu_at(self, name: str, at_s: float) -> float:
        for (t0, cpu0, _), (t1, cpu1, _) in pairwise(self.samples):
            if t0 <= at_s <= t1:
                return cpu0[name] + (cpu1[name] - cpu0[name]) * (at_s - t0) / (t1 - t0)
        return self.samples[0 if at_s < self.samples[0][0] else -1][1][name]

    def peak_mb(self, name: str) -> float:
        """The most memory that was seen."""
        return max((rss[name] for _, _, rss in self.samples), default=0.0)

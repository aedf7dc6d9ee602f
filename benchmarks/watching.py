"""A running stack seen from outside, every second: lag of each group in seconds, memory and descriptors of each process, Redis, ages.

Lag is told by the log's ends over time: a group that has committed up to an offset is as far behind as that offset was the end of the
partition ago. Nothing is asked of the groups themselves, so one that hangs is seen to hang. Everything is kept for one run.
"""

import os
import re
import time
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from kafka import KafkaAdminClient, TopicPartition
from redis import Redis

from adapters.hot import Keys
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, REPORTED, Topic

GROUPS: Mapping[str, tuple[str, Topic]] = {
    "intake": ("intake", REPORTED),
    "closure": ("closure", CASE_COMMANDS),
    "routing": ("cityloop-routing", CASE_EVENTS),
    "projection": ("cityloop-projection", CASE_EVENTS),
}
REMEMBERED_S = 900.0
LAG_EVERY_S = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
BUCKET = re.compile(r'cityloop_report_age_seconds_bucket\{.*?le="(?P<le>[^"]+)".*?stage="(?P<stage>\w+)".*?\} (?P<count>\S+)')


@dataclass(frozen=True, slots=True)
class Sample:
    """One look; `at_s` since the run began. What is `offered` is on the log, `reports` have their fates.

    `ages` are the cumulative counts of the age histogram by stage and bucket's upper bound.
    """

    at_s: float
    lag_s: dict[str, float]
    behind: dict[str, int]
    rss_mb: dict[str, float]
    fds: dict[str, int]
    cpu_s: dict[str, float]
    redis_mb: float
    cases: int
    remembered: int
    offered: int
    reports: int
    ages: dict[str, dict[float, float]]


class Log:
    """The ends of one topic over time."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, dict[int, int]]] = deque()

    def note(self, at_s: float, ends: dict[int, int]) -> None:
        """The ends as they were at this moment."""
        self._ends.append((at_s, ends))
        while at_s - self._ends[0][0] > REMEMBERED_S:
            self._ends.popleft()

    def total(self) -> int:
        """Records that were on the log at the last note."""
        return sum(self._ends[-1][1].values())

    def behind(self, partition: int, offset: int) -> tuple[float, int]:
        """Seconds and records that somebody who has done everything before `offset` is behind, as of the last note.

        >>> log = Log()
        >>> for at, end in ((0.0, 100), (1.0, 200), (2.0, 300)): log.note(at, {0: end})
        >>> log.behind(0, 300), log.behind(0, 150), log.behind(0, 50)
        ((0.0, 0), (1.5, 150), (2.0, 250))
        """
        now_s, ends = self._ends[-1]
        missing = ends.get(partition, 0) - offset
        if missing <= 0:
            return 0.0, 0
        for (later_s, later), (earlier_s, earlier) in pairwise(reversed(self._ends)):
            low, high = earlier.get(partition, 0), later.get(partition, 0)
            if low <= offset < high:
                return now_s - (earlier_s + (later_s - earlier_s) * (offset - low) / (high - low)), missing
        return now_s - self._ends[0][0], missing


class Watch:
    """Looks at one stack; `processes` gives the pids by name as they are now, `ports` are those of the worker's metrics."""

    def __init__(self, settings: Settings, processes: Mapping[str, int], ports: tuple[int, ...]) -> None:
        self._settings = settings
        self._processes = processes
        self._ports = ports
        self._admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        self._redis = Redis.from_url(settings.redis_url)
        self._keys = Keys(settings.namespace, settings.city)
        self._logs = {topic.name: (topic, Log()) for _, topic in GROUPS.values()}
        self._began = time.monotonic()

    def close(self) -> None:
        """Let go of the connections."""
        self._admin.close()
        self._redis.close()

    def at_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def lag(self) -> tuple[dict[str, float], dict[str, int]]:
        """Seconds and records that each group is behind; to be asked every second, for the answer is as fine as that."""
        committed = {name: self._committed(group, topic) for name, (group, topic) in GROUPS.items()}
        for topic, log in self._logs.values():
            log.note(self.at_s(), self._ends(topic))
        found = {
            name: [self._logs[topic.name][1].behind(partition, committed[name].get(partition, 0)) for partition in range(topic.partitions)]
            for name, (_, topic) in GROUPS.items()
        }
        seconds = {name: round(max(lag_s for lag_s, _ in each), 2) for name, each in found.items()}
        return seconds, {name: sum(missing for _, missing in each) for name, each in found.items()}

    def drained(self, within_s: float) -> dict[str, int]:
        """Wait until no group has anything left to read; what is left after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while any((behind := self.lag()[1]).values()) and time.monotonic() < deadline:
            time.sleep(LAG_EVERY_S)
        return behind

    def sample(self, lag_s: dict[str, float], behind: dict[str, int]) -> Sample:
        """Everything there is to see now, with the lag that was found."""
        pids = {name: pid for name, pid in self._processes.items() if Path(f"/proc/{pid}").exists()}
        page = "\n".join(map(_page, self._ports))
        return Sample(
            at_s=round(self.at_s(), 1),
            lag_s=lag_s,
            behind=behind,
            rss_mb={name: _rss_mb(pid) for name, pid in pids.items()},
            fds={name: len(os.listdir(f"/proc/{pid}/fd")) for name, pid in pids.items()},  # noqa: PTH208  # names alone
            cpu_s={name: _cpu_s(pid) for name, pid in pids.items()},
            redis_mb=round(self._redis.info("memory")["used_memory"] / 2**20, 2),
            cases=int(self._redis.zcard(self._keys.cases)),
            remembered=int(value_of(page, "cityloop_remembered_sources")),
            offered=self._logs[REPORTED.name][1].total(),
            reports=int(sum(_values(page, "cityloop_reports_total"))),
            ages=_ages(page),
        )

    def _committed(self, group: str, topic: Topic) -> dict[int, int]:
        name = self._settings.named(group)
        found = self._admin.list_group_offsets(name)[name]
        return {tp.partition: at.offset for tp, at in found.items() if tp.topic == topic.named(self._settings.namespace) and at.offset >= 0}

    def _ends(self, topic: Topic) -> dict[int, int]:
        name = topic.named(self._settings.namespace)
        found = self._admin.list_partition_offsets({TopicPartition(name, partition): -1 for partition in range(topic.partitions)})
        return {tp.partition: at.offset for tp, at in found.items()}


def _page(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _values(page: str, name: str) -> Iterator[float]:
    return (float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{")))


def value_of(page: str, name: str) -> float:
    """The one sample of a metric without labels; 0 when it is not there."""
    return next(_values(page, name), 0.0)


def _ages(page: str) -> dict[str, dict[float, float]]:
    found: dict[str, dict[float, float]] = {}
    for each in BUCKET.finditer(page):
        found.setdefault(each["stage"], {})[float(each["le"])] = float(each["count"])
    return found


def quantile(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float | None:
    """The value below which this share of what a histogram observed between two looks lies, linear within its bucket; None: nothing.

    >>> quantile({0.1: 0, 1.0: 0, float("inf"): 0}, {0.1: 50, 1.0: 100, float("inf"): 100}, 0.75)
    0.55
    """
    counts = {bound: count - before.get(bound, 0.0) for bound, count in sorted(after.items())}
    total = max(counts.values(), default=0.0)
    low, below = 0.0, 0.0
    for bound, count in counts.items():
        if total and count >= share * total:
            return low if bound == float("inf") else round(low + (bound - low) * (share * total - below) / max(count - below, 1e-9), 4)
        low, below = bound, count
    return None


def _rss_mb(pid: int) -> float:
    return round(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20, 1)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS

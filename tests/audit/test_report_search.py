"""Finding a report on a real log reads little: the partition its key leads to, a window of time, or the newest pieces."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import pytest

from adapters import report_search
from adapters.bus import Out
from adapters.case_files import partition_of
from adapters.clock import EventsClock, FastClock, RealClock, parse_clock
from adapters.report_search import LEEWAY_MS, Search, Times
from config.settings import Settings
from config.topics import REPORTED
from incidents.fates import Grounds, grounds
from tests.audit.records import publish, report

SOURCE = "/cameras/37020200012"
OWN = partition_of(SOURCE, REPORTED.partitions)


class Reader:
    """A search that remembers how many records it was about to read, and what it said."""

    def __init__(self, settings: Settings) -> None:
        self.read = 0
        self.said: list[str] = []
        self._search = Search(settings, self.said.append, self._progressing)

    def _progressing(self, total: int) -> Callable[[int], None]:
        self.read += total
        return lambda _: None

    def places(self, report_id: str, around: datetime | None = None) -> list[tuple[int, int]]:
        """Partition and offset of every record of the report."""
        return [(record.partition, record.offset) for record, _ in self._search.report(SOURCE, report_id, around)]


def reports(settings: Settings, ids: list[str], partition: int | None = None) -> None:
    """One report per id on `incidents.reported`, keyed by the source."""
    out = partial(Out, settings.named(REPORTED.name), SOURCE.encode())
    publish(settings, [out(orjson.dumps(report(SOURCE, each)), partition=partition) for each in ids])


@pytest.fixture
def log(settings: Settings) -> Settings:
    """Forty reports where the source's key leads to, ten in each other partition; the thirtieth was sent twice."""
    reports(settings, [f"r{number}" for number in range(30)] + ["r29"] + [f"r{number}" for number in range(31, 40)])
    for other in range(REPORTED.partitions):
        if other != OWN:
            reports(settings, [f"o{number}-{other}" for number in range(10)], other)
    return settings


@pytest.mark.stack
def test_a_report_is_looked_for_where_its_sources_key_leads_to(log: Settings) -> None:
    reader = Reader(log)
    assert reader.places("r3") == [(OWN, 3)]
    assert reader.read <= 40


@pytest.mark.stack
def test_with_a_time_only_the_hour_around_it_is_read(log: Settings) -> None:
    reader = Reader(log)
    assert reader.places("r3", datetime.now(UTC)) == [(OWN, 3)]
    assert (reader.read, reader.said) == (40, [])


@pytest.mark.stack
def test_a_report_under_another_key_is_found_in_the_other_partitions(log: Settings) -> None:
    other = (OWN + 1) % REPORTED.partitions
    assert Reader(log).places(f"o7-{other}") == [(other, 7)]


@pytest.mark.stack
def test_the_newest_pieces_are_read_first_and_an_hour_before_the_finding(log: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_search, "FIRST_PIECE", 2)
    monkeypatch.setattr(report_search, "LARGEST_PIECE", 4)
    assert Reader(log).places("r29") == [(OWN, 29), (OWN, 30)]
    monkeypatch.setattr(report_search, "AROUND", timedelta(seconds=-1))  # the records of one batch share an append time
    reader = Reader(log)
    assert reader.places("r39") == [(OWN, 39)]
    assert reader.read < 10


@pytest.mark.stack
def test_what_is_not_there_is_not_found_after_all_was_read_once(log: Settings) -> None:
    reader = Reader(log)
    assert reader.places("nosuch") == []
    assert reader.read == 40 + 10 * (REPORTED.partitions - 1)


class NoAnchors:
    """Nobody else: our own anchor holds."""

    async def agree(self, mine_ms: int) -> int:
        """See Anchors."""
        return mine_ms


@pytest.mark.parametrize("clock", [RealClock(), FastClock(parse_clock("x600@2026-11-21T08:00+08:00"), NoAnchors())])
def test_city_time_is_found_again_in_real_time(clock: RealClock) -> None:
    append_ms = int(datetime.now(UTC).timestamp() * 1000) - 7_200_000
    at = clock.at(append_ms)
    near = Times(clock).real(at, at)
    assert near is not None
    assert near[0] <= append_ms <= near[1] and near[1] - near[0] < 2 * LEEWAY_MS + 1000


def test_on_a_clock_of_events_nobody_can_say_when() -> None:
    assert Times(EventsClock()).real(datetime.now(UTC), datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("opened", Grounds("opened")),
        ("same_place 12 m 340 s", Grounds("same_place", 12, 340)),
        ("held 2/3 same_source 1 m 5 s", Grounds("same_source", 1, 5, "2/3")),
        ("held 2/3 same_source", Grounds("same_source", held="2/3")),
        ("held", Grounds("held")),
        ("lost 5..9", Grounds("lost")),
        ("not_json", Grounds("not_json")),
        ("", Grounds("")),
    ],
)
def test_a_reason_is_taken_apart(reason: str, told: Grounds) -> None:
    assert grounds(reason) == told

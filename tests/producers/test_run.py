"""The loop: everything is sent once in order, held back until due, counted when durable, and stopped cleanly."""

import io
import json
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from incidents.errors import BadReport, RejectReason, TryAgain, UserError
from producers.base import Item, Kind, Truth, kinds, options_of
from producers.pace import AT_ONCE, ByClock, ByRate, Pace, Recorded, Unpaced, pace_of
from producers.run import Outcome, Wishes, run, stop_on_signals


@dataclass
class ListBus:
    """Keeps what is sent; refuses values that begin with `big`, gives up at `fails_at`."""

    fails_at: int | None = None
    got: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)
    sent: int = 0
    flushed: int = 0

    def send(self, key: bytes | None, value: bytes | None) -> None:
        if value is not None and value.startswith(b"big"):
            raise BadReport(RejectReason.OVERSIZED, "too big")
        if self.sent == self.fails_at:
            raise TryAgain("the broker is gone")
        self.got.append((key, value))
        self.sent += 1

    def durable(self) -> int:
        return self.flushed

    def flush(self, timeout_s: float) -> None:
        self.flushed = self.sent


@dataclass
class ListSource:
    """Yields what it was given; raises `ends_with` afterwards."""

    given: Sequence[Item]
    ends_with: Exception | None = None
    problems: tuple[str, ...] = ()
    problem_count: int = 0
    left_out: int = 0

    def items(self) -> Iterator[Item]:
        yield from self.given
        if self.ends_with:
            raise self.ends_with

    def progress(self) -> float | None:
        return None


def some(count: int, due_ms: int | None = None) -> list[Item]:
    return [Item(due_ms, b"k", str(n).encode(), Truth("/s", str(n), "t", None, "camera")) for n in range(count)]


def test_every_item_is_sent_once_in_order_and_durable() -> None:
    bus = ListBus()
    outcome = run(ListSource(some(1000)), bus)
    assert [value for _, value in bus.got] == [str(n).encode() for n in range(1000)]
    assert (outcome.sent, outcome.durable, outcome.failure, outcome.stopped) == (1000, 1000, "", False)


def test_a_limit_takes_no_more_from_the_source() -> None:
    iterator = iter(some(10))
    source = ListSource([])
    source.items = lambda: iterator  # type: ignore[method-assign]  # to see what is left in it
    assert run(source, ListBus(), Wishes(limit=3)).sent == 3
    assert next(iterator).value == b"3"


def test_the_truth_of_what_was_sent_is_written_a_line_each() -> None:
    truth = io.StringIO()
    run(ListSource([*some(2), Item(None, b"k", b"without")]), ListBus(), Wishes(truth=truth))
    assert [json.loads(line)["id"] for line in truth.getvalue().splitlines()] == ["0", "1"]


def test_a_record_too_large_is_left_out_and_told_and_costs_nothing_else() -> None:
    outcome = run(ListSource([Item(None, b"k", b"big"), *some(3)]), ListBus())
    assert (outcome.sent, outcome.left_out, outcome.problem_count) == (3, 1, 1)
    assert "too big" in outcome.problems[0]


@pytest.mark.parametrize(("source", "bus"), [(ListSource(some(5), UserError("torn file")), ListBus()), (ListSource(some(9)), ListBus(5))])
def test_an_early_end_is_told_and_what_was_sent_before_is_durable(source: ListSource, bus: ListBus) -> None:
    outcome = run(source, bus)
    assert (outcome.sent, outcome.durable) == (5, 5)
    assert outcome.failure in ("torn file", "the broker is gone")


def test_a_signal_ends_the_run_after_the_record_in_hand_and_flushes() -> None:
    bus = ListBus()

    def endless() -> Iterator[Item]:
        for n in range(1_000_000):
            if n == 10:
                signal.raise_signal(signal.SIGINT)
            yield Item(None, b"k", b"%d" % n)

    source = ListSource([])
    source.items = endless  # type: ignore[method-assign]  # a source that is interrupted
    with stop_on_signals() as stop:
        outcome = run(source, bus, Wishes(), stop)
    assert (outcome.sent, outcome.durable, outcome.stopped) == (10, 10, True)


def test_a_second_signal_ends_the_process_as_usual() -> None:
    with stop_on_signals() as stop, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        signal.raise_signal(signal.SIGINT)


def test_what_is_durable_is_counted_and_shown_at_the_end() -> None:
    class Count:
        total = 0.0

        def inc(self, amount: float = 1, /) -> None:
            self.total += amount

        def show(self, outcome: Outcome, progress: float | None, behind_s: float) -> None:
            self.shown = outcome.durable

    count = Count()
    run(ListSource(some(500)), ListBus(), Wishes(counted=count, shown=count))
    assert (count.total, count.shown) == (500, 500)


def moments(pace: Pace, dues_ms: Sequence[int | None]) -> list[float]:
    return [round(pace.when(due_ms), 3) for due_ms in dues_ms]


@pytest.mark.parametrize(
    ("speed", "dues_ms", "expected"),
    [
        (1.0, [5000, 6000, 9000], [100.0, 101.0, 104.0]),
        (60.0, [0, 60_000, 180_000], [100.0, 101.0, 103.0]),
        (1.0, [5000, 4000, None, 6000], [100.0, 99.0, AT_ONCE, 101.0]),  # times that run back do not wait
    ],
)
def test_a_recording_keeps_its_gaps(speed: float, dues_ms: list[int | None], expected: list[float]) -> None:
    assert moments(Recorded(speed, lambda: 100.0), dues_ms) == expected


def test_a_rate_is_even_and_a_stall_is_caught_up_for_a_second_only() -> None:
    now = 100.0
    pace = ByRate(10, lambda: now)
    assert moments(pace, [None] * 20)[-1] == 101.0
    now += 30
    assert moments(pace, [None] * 20)[-1] == 131.0


def test_a_clock_that_runs_by_itself_decides_when_a_record_leaves_and_its_corrections_are_followed() -> None:
    now, ahead_s = 100.0, 0.0
    pace = ByClock(lambda: int((now + ahead_s) * 600_000), 600, lambda: now)
    assert moments(pace, [60_000_000, 61_200_000]) == [100.0, 102.0]
    now, ahead_s = 101.5, 1.0
    assert moments(pace, [61_200_000, None]) == [101.0, AT_ONCE]


def test_a_stop_ends_the_waiting_and_the_run() -> None:
    stop = threading.Event()
    shows: list[float] = []

    class Stopping:
        def show(self, outcome: Outcome, progress: float | None, behind_s: float) -> None:
            shows.append(behind_s)
            stop.set()

    wishes = Wishes(pace=Recorded(1.0), shown=Stopping())
    outcome = run(ListSource([*some(1, 0), *some(1, 3_600_000)]), ListBus(), wishes, stop)
    assert (outcome.sent, outcome.stopped) == (1, True)
    assert outcome.seconds < 60


@pytest.mark.parametrize(("text", "kind"), [("max", Unpaced), ("real", Recorded), ("x60", Recorded), ("x0.5", Recorded), ("500/s", ByRate)])
def test_a_speed_is_read(text: str, kind: type) -> None:
    assert isinstance(pace_of(text), kind)


@pytest.mark.parametrize("text", ["", "fast", "x", "x0", "0", "-5", "60x", "1e3"])
def test_another_speed_is_told_with_what_is_right(text: str) -> None:
    with pytest.raises(UserError, match="x60"):
        pace_of(text)


def test_sources_are_found_by_their_files() -> None:
    assert {"replay", "simulate"} <= set(kinds())


def test_a_wrong_option_is_told_with_its_name_value_and_the_right_ones() -> None:
    kind: Kind = kinds()["simulate"]
    with pytest.raises(UserError, match=r"cameras = '0'.*Its options: start, cameras"):
        options_of(kind, {"cameras": "0", "start": "2026-11-21T08:00+08:00"})

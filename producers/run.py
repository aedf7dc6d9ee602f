"""The loop that every source runs in: pace, send, count, show, stop cleanly. Stands between a source and the bus.

A stop (SIGINT, SIGTERM) ends it after the record in hand; what was sent is flushed, and the outcome says how much of it is durable.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Protocol

from incidents.errors import BadReport, TryAgain, UserError
from producers.base import Item, Source, Truth
from producers.pace import Pace, Unpaced

SHOWN_EVERY_S = 0.2
LEAST_NAP_S = 0.02
"""Records due within this leave together, up to so much late: at 10,000 a second a nap for each costs more than making it."""
LOOK_EVERY = 64
FLUSH_S = 150.0


class Bus(Protocol):
    """Where records go: `adapters.producer.KafkaBus`, `FileBus`, or a list in a test."""

    @property
    def sent(self) -> int:
        """How many were handed over."""
        ...

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Hand over one record. Raises BadReport when it can never be taken, TryAgain when the engine gave up."""
        ...

    def durable(self) -> int:
        """How many of those sent are known to be kept; raises TryAgain when one failed for good."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Return when everything sent is durable; raises TryAgain when that does not come about in time."""
        ...


class Tally(Protocol):
    """A counter that only rises; prometheus' Counter is one."""

    def inc(self, amount: float = 1, /) -> None:
        """Count `amount` more."""
        ...


class Shown(Protocol):
    """What shows the run to a person."""

    def show(self, outcome: "Outcome", progress: float | None, behind_s: float) -> None:
        """Called a few times a second, and once at the end."""
        ...


@dataclass(slots=True)
class Outcome:
    """How a run went, or goes. `failure` says in words why it ended early: the input cannot be read on, or Kafka gave up."""

    sent: int = 0
    durable: int = 0
    left_out: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False
    failure: str = ""

    @property
    def per_second(self) -> float:
        """Records sent a second."""
        return self.sent / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller of a run may ask for; everything may be left out. `truth` receives a line per item that knows its truth."""

    pace: Pace = field(default_factory=Unpaced)
    limit: int | None = None
    truth: IO[str] | None = None
    counted: Tally | None = None
    shown: Shown | None = None


def run(source: Source, bus: Bus, wishes: Wishes | None = None, stop: threading.Event | None = None) -> Outcome:
    """Send everything of a source, or up to `limit` records or until `stop`; flush; say what became of it. The bus is not closed."""
    return _Run(source, bus, wishes or Wishes(), stop or threading.Event()).run()


class _Run:
    """One run: what `run` remembers between two records."""

    def __init__(self, source: Source, bus: Bus, wishes: Wishes, stop: threading.Event) -> None:
        self._source = source
        self._bus = bus
        self._wishes = wishes
        self._stop = stop
        self._outcome = Outcome()
        self._refused: list[str] = []
        self._began = time.monotonic()
        self._next_look = 0.0
        self._counted = 0
        self._behind_s = 0.0

    def run(self) -> Outcome:
        outcome = self._outcome
        for act in (self._send_all, lambda: self._bus.flush(FLUSH_S), self._look):
            try:
                act()
            except (TryAgain, UserError) as error:
                outcome.failure = outcome.failure or str(error)
        outcome.stopped = self._stop.is_set()
        return outcome

    def _send_all(self) -> None:
        pace, now = self._wishes.pace, 0.0
        for number, item in enumerate(islice(self._source.items(), self._wishes.limit)):
            when = pace.when(item.due_ms)
            if when > now:
                now = self._wait(when)
            if self._stop.is_set():
                return
            self._send(item)
            if number % LOOK_EVERY == 0 and time.monotonic() >= self._next_look:
                self._look()

    def _wait(self, when: float) -> float:
        """Until `when` or a stop, and then what time it is; whoever watches is told meanwhile."""
        while (now := time.monotonic()) < when and not self._stop.is_set():
            if now >= self._next_look:
                self._look()
            self._stop.wait(min(max(when - now, LEAST_NAP_S), SHOWN_EVERY_S))
        self._behind_s = max(0.0, now - when)
        return now

    def _send(self, item: Item) -> None:
        try:
            self._bus.send(item.key, item.value)
        except BadReport as error:
            self._refused.append(f"record of {item.key!r}: {error.detail}; not sent")
            return
        if self._wishes.truth and item.truth:
            self._wishes.truth.write(truth_line(item.truth))

    def _look(self) -> None:
        """Bring the outcome up to date and tell whoever wants to know."""
        outcome, source, wishes = self._outcome, self._source, self._wishes
        now = time.monotonic()
        self._next_look = now + SHOWN_EVERY_S
        outcome.sent, outcome.seconds = self._bus.sent, now - self._began
        outcome.left_out = source.left_out + len(self._refused)
        outcome.problem_count = source.problem_count + len(self._refused)
        outcome.problems = [*source.problems, *self._refused]
        outcome.durable = self._bus.durable()
        if wishes.counted:
            wishes.counted.inc(outcome.durable - self._counted)
            self._counted = outcome.durable
        if wishes.shown:
            wishes.shown.show(outcome, source.progress(), self._behind_s)


def truth_line(truth: Truth) -> str:
    """A line of a truth file: JSON `{"source", "id", "time", "incident", "kind"}`."""
    return json.dumps(truth._asdict(), ensure_ascii=False) + "\n"


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the second one ends the process as usual. Main thread only."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

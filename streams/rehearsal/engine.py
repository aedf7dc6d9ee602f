"""Runs a rehearsal: reports in the order of the file, and between them whatever falls due on the clock that they move.

Reports are read in slices of a second of the city's time, and a slice ends early where something falls due: so a deadline fires, and a case
ends, before the next report is judged. Repeats that were recognised are counted once a minute, and before any case changes its state.
"""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from incidents.catalogue import City
from incidents.commands import Command
from incidents.events import CaseId, epoch_ms
from incidents.places import Locate
from streams.rehearsal.account import Account
from streams.rehearsal.flood import Flood, Record
from streams.rehearsal.office import Office
from streams.telling import sight_data

SLICE_MS = 1_000
SETTLE_MS = 60_000
MOST_AT_ONCE = 5_000


class Entry(NamedTuple):
    """A record of the file; `time_ms` None: it has no time that can be read. `closed_ms`: when its matter was closed, says the file."""

    time_ms: int | None
    key: bytes | None
    value: bytes | None
    closed_ms: int | None = None
    where: str = ""


class Rehearsal:
    """One set of rules at work. `has_people`: the file says of its matters when they were closed."""

    def __init__(self, city: City, locate: Locate, has_people: bool = False) -> None:
        self.account = Account(city)
        self.flood = Flood(city)
        self.office = Office(city, self.flood.sift, self.account, has_people)
        self.spent_s = self.flood.spent_s  # CPU time by part
        self.spent_s |= {"closure": 0.0, "clock": 0.0}
        self.now_ms = 0
        self._locate = locate
        self._slice: list[Entry] = []
        self._begun_ms = self._settled_ms = 0
        self._read = 0
        self._last_closing_ms = 0

    async def run(self, entries: Iterable[Entry], until: datetime | None = None) -> None:
        """Take everything, then let the clock run on to the file's last closing, and to `until`."""
        for entry in entries:
            at = self.now_ms if entry.time_ms is None else entry.time_ms
            if self._slice and (at - self._begun_ms >= SLICE_MS or len(self._slice) >= MOST_AT_ONCE):
                await self._sift()
            if at > self.now_ms:
                await self._move_to(at)
            if not self._slice:
                self._begun_ms = at
            self._slice.append(entry)
        await self._sift(settle=True)
        self._fire(max(self.now_ms, self._last_closing_ms, epoch_ms(until) if until else 0))
        for case in self.office.cases.values():
            self.account.ended(case, self.now_ms)

    async def _move_to(self, at_ms: int) -> None:
        due = self.office.next_ms()
        if due is not None and due <= at_ms:
            await self._sift(settle=self.office.moves_by(at_ms))
            self._fire(at_ms)
        self.now_ms = at_ms

    def _fire(self, at_ms: int) -> None:
        began = time.process_time()
        self.office.run_to(at_ms)
        self.now_ms = at_ms
        self.spent_s["clock"] += time.process_time() - began

    async def _sift(self, settle: bool = False) -> None:
        """Bring the slice to its end: recognise, ask, tell, decide."""
        entries, first = self._slice, self._read
        self._slice, self._read = [], first + len(entries)
        self.account.read(len(entries))
        for bad in self.flood.take([Record(offset, entry.key, entry.value) for offset, entry in enumerate(entries, first)]):
            self.account.rejects(bad, entries[bad.offset - first].where)
        settle = settle or self.now_ms - self._settled_ms >= SETTLE_MS
        self._settled_ms = self.now_ms if settle else self._settled_ms
        async for serial, outcome in self.flood.outcomes(settle):
            began = time.process_time()
            self.account.fates(outcome["fates"])
            for sight in outcome["sights"]:
                self._tell(f"sight:{outcome['topic']}:{outcome['partition']}:{serial}", sight)
            self.spent_s["closure"] += time.process_time() - began
        for offset, entry in enumerate(entries, first):
            if entry.closed_ms is not None and (number := self.account.case_of[offset]) >= 0:
                self._last_closing_ms = max(self._last_closing_ms, entry.closed_ms)
                self.office.closes(CaseId(self.account.ids[number]), max(entry.closed_ms, self.now_ms))

    def _tell(self, head: str, sight: dict[str, object]) -> None:
        command = Command.model_validate(sight_data(head, sight, self._locate))
        self.office.give(command, max(total.last for total in command.totals.values()))

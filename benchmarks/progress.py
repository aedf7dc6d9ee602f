"""What an engine has told so far, read from its output topic: how many reports, of how many cases, when, and, if asked, which report where.

A peer's record is `{"case", "n", "last"[, "ids"]}` (benchmarks/README.md); ours are the fates. Times are the records' append times, so that
it does not matter how soon they are read here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.fates import decode_fates
from adapters.follow import ConsumerRecord
from incidents.fates import Flush

Ids = Mapping[int, list[str]]
"""The id of each report by partition and offset of the topic it stands on."""


@dataclass
class Told:
    """The account of one engine's output. `ids` is given when each report's case is wanted of ours, which tells offsets."""

    ours: bool
    assign: bool = False
    ids: Ids = field(default_factory=dict)
    n: int = 0
    cases: set[str] = field(default_factory=set)
    last_opening_ms: int = 0
    last_ms: int = 0
    assigned: dict[str, str | None] = field(default_factory=dict)
    twice: int = 0
    offsets: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def take(self, records: Iterable[ConsumerRecord]) -> None:
        """Add records, in the order they were read."""
        read = self._fates if self.ours else self._update
        for record in records:
            if record.value is not None:
                self.n += read(record)
                self.last_ms = max(self.last_ms, record.timestamp)

    def _update(self, record: ConsumerRecord) -> int:
        said: dict[str, Any] = orjson.loads(record.value)
        self._note(said["case"], record.timestamp)
        if self.assign:
            self._assign(said["case"] or None, said["ids"])
        return int(said["n"])

    def _fates(self, record: ConsumerRecord) -> int:
        flush = decode_fates(record.value)
        if not isinstance(flush, Flush):
            return 0
        told = self.offsets[flush.partition]
        before = len(told)
        for fate in flush.fates:
            self._note(fate.case_id or "", record.timestamp)
            told.update(fate.offsets)  # when partitions change hands, both workers may tell what waits in the outbox
            if self.assign:
                self._assign(fate.case_id, [self.ids[flush.partition][offset] for offset in fate.offsets])
        return len(told) - before

    def _note(self, case: str, at_ms: int) -> None:
        if case and case not in self.cases:
            self.cases.add(case)
            self.last_opening_ms = max(self.last_opening_ms, at_ms)

    def _assign(self, case: str | None, ids: Iterable[str]) -> None:
        for each in ids:
            self.twice += each in self.assigned
            self.assigned[each] = case

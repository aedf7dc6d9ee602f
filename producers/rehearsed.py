"""A file of reports for `cityloop rehearse`: the records as a replay would send them, each with its place in the file and its closing.

The closing is what the mapping's `[published]` names as `closed`; a report itself never carries it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from incidents.events import epoch_ms
from incidents.mapping import Mapping
from producers.base import Item
from producers.published import moment_of
from producers.sources.replay import Replay


class Rehearsed(NamedTuple):
    """One record: as it would stand on the topic, when its matter was closed (ms since 1970 UTC, if the file says so), `file:line`."""

    item: Item
    closed_ms: int | None
    where: str


class RehearsedFile(Replay):
    """A replay that also reads closings; `items` is followed record by record."""

    def __init__(self, file: Path, mapping: Mapping | None, city_code: str, origin: str) -> None:
        """Raises UserError when rows of a CSV are given without a mapping."""
        super().__init__(file, mapping, city_code, origin)
        self._path = file
        self._rule = mapping
        self._line = 0
        self._closed_ms: int | None = None

    def records(self) -> Iterator[Rehearsed]:
        """In the order of the file."""
        for item in self.items():
            yield Rehearsed(item, self._closed_ms, f"{self._path}:{self._line}")

    def _from_line(self, line: int, text: bytes) -> Iterator[Item]:
        self._line, self._closed_ms = line, None
        return super()._from_line(line, text)

    def _translated(self, line: int, record: dict[str, Any]) -> Iterator[Item]:
        self._line, self._closed_ms = line, None
        if self._rule is not None and self._rule.published is not None:
            at = moment_of(self._rule, record, self._rule.published.closed)
            self._closed_ms = None if at is None else epoch_ms(at)
        return super()._translated(line, record)

"""Repeats that were recognised and wait to be told: per source in the order of the log, found by source and by the place of their case."""

from collections.abc import Iterator

from msgspec import Struct

from incidents.steps.sifting import Group, apart_cm
from streams.memory import Known
from streams.sorting import cosine, report_key

MOST_REPORTS = 5000
"""In one group: what one call of the script takes at most (ARCHITECTURE.md §3)."""


class Report(Struct, frozen=True, gc=False):
    """What is kept of a recognised report until it is answered."""

    offset: int
    seen: int  # ms, as sifting may count it
    time: int  # ms, as stated
    id: str
    value: bytes
    where: tuple[float, float] | None  # WGS-84; None where the identity says it all


Cell = tuple[str, int | str, int]
"""Family, then a square or an identity."""


class Repeats(Struct, gc=False):
    """Reports of one source, in order, that `known` explains: one group of the atomic call."""

    source: str
    known: Known
    reports: list[Report]

    def group(self) -> Group:
        """What travels. Without a case to hint at it brings no opening either: it is split should the awaited answer not explain it."""
        known = self.known
        row = known.row
        group = Group(
            source=self.source,
            category=row.category.key,
            family=row.family,
            identity=known.identity,
            x=known.x,
            y=known.y,
            cos=known.cos,
            known=True,
            tight=False,
            machine=True,
            urgent=known.urgent,
            rule=row.rule,
            hint=known.case,
            newest=self.reports[-1].time,
            offsets=[report.offset for report in self.reports],
            times=[report.seen for report in self.reports],
            keys=[report_key(report.id, report.time) for report in self.reports],
            values=[report.value for report in self.reports],
        )
        if not known.case:
            self._place(group)
        return group

    def _place(self, group: Group) -> None:
        """Nothing says yet where the case lies: the group stands where its first report does, and says how far the others are."""
        places = [(round(lon * 1e7), round(lat * 1e7), cosine(lat)) for lon, lat in (each.where for each in self.reports if each.where)]
        if places:
            group.x, group.y, group.cos = places[0]
            group.spread = max(apart_cm(group, x, y) for x, y, _ in places)


class Pending:
    """All that waits in a lane; nothing of a source leaves but in its order."""

    def __init__(self) -> None:
        self._sources: dict[str, list[Repeats]] = {}
        self._cells: dict[Cell, list[str]] = {}  # also sources that have left

    def first(self) -> int | None:
        """The lowest offset that waits: what came first stands first."""
        return next((chain[0].reports[0].offset for chain in self._sources.values()), None)

    def __bool__(self) -> bool:
        return bool(self._sources)

    def sources(self) -> Iterator[str]:
        """Those of which something waits, the first to come first; where others stood is forgotten."""
        self._cells = {}
        for source, chain in self._sources.items():
            for repeats in chain:
                self._stands(source, repeats.known)
        return iter(self._sources)

    def add(self, source: str, known: Known, report: Report) -> None:
        """One more; only the last group of a source may grow."""
        chain = self._sources.get(source)
        if chain is None:
            self._sources[source] = [Repeats(source, known, [report])]
        else:
            last = chain[-1]
            if last.known is known and len(last.reports) < MOST_REPORTS:
                last.reports.append(report)
                return
            chain.append(Repeats(source, known, [report]))
        self._stands(source, known)

    def _stands(self, source: str, known: Known) -> None:
        cell = _cell(known)
        here = self._cells.get(cell)
        if here is None:
            self._cells[cell] = [source]
        else:
            here.append(source)

    def of_source(self, source: str) -> list[Repeats]:
        """Take what is pending of a source."""
        return self._sources.pop(source, [])

    def of(self, group: Group) -> Iterator[Repeats]:
        """Take what must travel before this group: the rest of its source, and what may belong to the same case."""
        if not self._sources:
            return
        yield from self.of_source(group.source)
        for cell in _around(group):
            for source in self._cells.pop(cell, ()):
                yield from self.of_source(source)

    def reports(self, source: str) -> Iterator[tuple[bytes, int, int]]:
        """Take what is pending of a source, report by report: value, offset, time."""
        for repeats in self.of_source(source):
            for report in repeats.reports:
                yield report.value, report.offset, report.seen

    def adopt(self, source: str, awaited: Known, known: Known) -> bool:
        """The answer came: what waited for it is explained by `known` from now on. False, nothing changed, when some of it is not."""
        chain = self._sources.get(source, [])
        waiting = [repeats for repeats in chain if repeats.known is awaited]
        same = (known.x, known.y, known.first) == (awaited.x, awaited.y, awaited.first)
        if not same and not all(known.covers(report.where, report.seen) for repeats in waiting for report in repeats.reports):
            return False
        for repeats in waiting:
            repeats.known = known
            known.last = max(known.last, awaited.last)
            self._stands(source, known)
        return True


def _cell(known: Known) -> Cell:
    """Where a case lies: squares of the family's radius; a thing with an identity has no other place than that."""
    row = known.row
    if known.identity:
        return row.family, known.identity, 0
    edge = 2 * row.rule.radius
    return row.family, known.x // edge, known.y // edge


def _around(group: Group) -> Iterator[Cell]:
    if group.identity:
        yield group.family, group.identity, 0
    edge = 2 * group.rule.radius
    x, y = group.x // edge, group.y // edge
    yield from ((group.family, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))

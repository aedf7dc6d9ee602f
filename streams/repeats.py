"""Recognising: the open case that explains a source's repeats, and the repeats that wait to be told, per source in the order of the log."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET, Struct

from incidents.steps.sifting import CM, Group, apart_cm
from streams.glance import Seen
from streams.sorting import URGENT, Row, Sighting, cosine

MOST_REPORTS = 5000
"""In one group: what one call of the script takes at most (ARCHITECTURE.md §3)."""
ROW = 4
"""Columns of `Repeats.reports`."""
FOREVER = 1 << 60
CM_OF_COS = CM / 1_000_000

Waiting = tuple[int, int, int, bytes]
"""A report that waits: offset, time (ms, as sifting may count it), key, value; a row of `Repeats.reports`."""
Cell = tuple[str, int | str, int]
"""Family, then a square or an identity."""


class Known(Struct, gc=False):
    """The open case that explains a source's repeats; while `case` is "", the report that was sifted and has no answer yet."""

    case: str
    row: Row
    identity: str
    x: int
    y: int
    cos: int
    first: int
    last: int
    newest: int
    urgent: int
    since: int = FOREVER
    """What is older may be a resend of the report that opened the case, or of one that nobody remembers: it takes a closer look."""
    repeats: "Repeats | None" = None  # where its next repeat goes

    def within(self, seen: int) -> bool:
        """Whether a sighting at this moment (ms) lies inside the case's window and span."""
        rule = self.row.rule
        return seen - self.last <= rule.window and not (rule.span and seen - self.first > rule.span)

    def near(self, lon: float, lat: float) -> bool:
        """Whether a point surely lies within the radius; what is only almost sure is left to `explains`."""
        east = (lon * 1e7 - self.x) * self.cos * CM_OF_COS
        north = (lat * 1e7 - self.y) * CM
        return east * east + north * north <= self.row.sure

    def takes(self, data: Seen, seen: int) -> bool:
        """What `explains` says, of what the quick look saw of a machine's report; False also when it takes a closer look to say."""
        row = self.row
        if not self.within(seen):
            return False
        if row.conditions.get(data.condition, -1) < self.urgent or (data.severity is not UNSET and URGENT[data.severity] < self.urgent):
            return False
        if data.plate is UNSET and data.part_id is UNSET and data.building is UNSET:
            where = data.location
            return not self.identity and self.near(where.lon, where.lat)
        identity = row.names(data)
        return identity == self.identity and (identity != "" or self.near(data.location.lon, data.location.lat))

    def covers(self, places: Sequence[tuple[float, float]], times: Sequence[int]) -> bool:
        """Whether what this source's last question explained is surely explained by its answer too."""
        if not (self.identity or (len(places) == len(times) and all(self.near(*place) for place in places))):
            return False
        return all(map(self.within, times))

    def explains(self, sighting: Sighting, seen: int) -> bool:
        """Whether a machine's report is one more sighting of the case: near, inside window and span, not more urgent."""
        data = sighting.event["data"]
        severity = data.get("severity")
        if not self.within(seen) or not data["channel"].is_machine or (severity is not None and URGENT[severity] < self.urgent):
            return False
        if self.row.conditions[data.get("condition")] < self.urgent:
            return False
        if self.identity or sighting.named:
            return self.identity == sighting.identity
        if sighting.where is None:
            return False
        lon, lat = sighting.where
        radius = self.row.rule.radius
        east = (lon * 1e7 - self.x) * CM * cosine(lat) / 1_000_000
        north = (lat * 1e7 - self.y) * CM
        return east * east + north * north <= radius * radius


class Repeats(Struct, gc=False):
    """Reports of one source, in the order of the log, that `known` explains: one group of the atomic call."""

    source: str
    known: Known
    cell: Cell  # where that lies
    newest: int = 0  # ms, as stated
    reports: list[Any] = []
    """One `Waiting` after the other, flat: a list for each column would take 0.8 µs a report more."""
    places: list[tuple[float, float]] = []  # WGS-84, as long as no case is known; of a thing with an identity there need not be any

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
            newest=self.newest,
            offsets=self.reports[::ROW],
            times=self.reports[1::ROW],
            keys=self.reports[2::ROW],
            values=self.reports[3::ROW],
        )
        if not known.case and self.places:
            self._place(group)
        return group

    def _place(self, group: Group) -> None:
        """Nothing says yet where the case lies: the group stands in the middle of its reports, and says how far the farthest is."""
        xs, ys = ([round(degrees * 1e7) for degrees in line] for line in zip(*self.places, strict=True))
        group.x, group.y = (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2
        group.cos = cosine(group.y / 1e7)
        group.spread = max(map(partial(apart_cm, group), xs, ys))


class Pending:
    """All that waits in a lane; nothing of a source leaves but in its order."""

    def __init__(self) -> None:
        self.begun = 0  # groups so far
        self._sources: dict[str, list[Repeats]] = {}
        self._cells: dict[Cell, list[str]] = {}  # also sources that have left

    def first(self) -> int | None:
        """The lowest offset that waits: what came first stands first."""
        return next((chain[0].reports[0] for chain in self._sources.values()), None)

    def __bool__(self) -> bool:
        return bool(self._sources)

    def sources(self) -> Iterator[str]:
        """Those of which something waits, the first to come first; where others stood is forgotten."""
        self._cells = {}
        for chain in self._sources.values():
            for repeats in chain:
                self._stands(repeats)
        return iter(self._sources)

    def begin(self, source: str, known: Known) -> Repeats:
        """A new group for the next repeats of a source; the one before it is complete."""
        repeats = known.repeats = Repeats(source, known, _cell(known))
        self.begun += 1
        chain = self._sources.get(source)
        if chain is None:
            self._sources[source] = [repeats]
        else:
            if chain[-1].known is not known:
                chain[-1].known.repeats = None
            chain.append(repeats)
        self._stands(repeats)
        return repeats

    def holds(self, source: str, key: int) -> bool:
        """Whether a report with this key waits: then the next one is its resend, and too near to it to be told apart later."""
        return any(key in repeats.reports[2::ROW] for repeats in self._sources.get(source, ()))

    def _stands(self, repeats: Repeats) -> None:
        here = self._cells.get(repeats.cell)
        if here is None:
            self._cells[repeats.cell] = [repeats.source]
        else:
            here.append(repeats.source)

    def of_source(self, source: str) -> list[Repeats]:
        """Take what is pending of a source."""
        chain = self._sources.pop(source, [])
        if chain:
            chain[-1].known.repeats = None
        return chain

    def clear(self) -> None:
        """Forget all of it."""
        for chain in self._sources.values():
            chain[-1].known.repeats = None
        self._sources, self._cells = {}, {}

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
            yield from zip(repeats.reports[3::ROW], repeats.reports[::ROW], repeats.reports[1::ROW], strict=True)

    def adopt(self, source: str, awaited: Known, known: Known) -> bool:
        """The answer came: what waited for it is explained by `known` from now on. False, nothing changed, when some of it is not."""
        chain = self._sources.get(source, [])
        waiting = [repeats for repeats in chain if repeats.known is awaited]
        same = (known.x, known.y, known.first) == (awaited.x, awaited.y, awaited.first)
        if not same and not all(known.covers(repeats.places, repeats.reports[1::ROW]) for repeats in waiting):
            return False
        for repeats in waiting:
            repeats.known, repeats.cell = known, _cell(known)
            known.last = max(known.last, awaited.last)
            self._stands(repeats)
        known.repeats, awaited.repeats = awaited.repeats, None
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

"""What a worker remembers of its sources: which open case explains a source's repeats of one category (ARCHITECTURE.md §4, "recognise").

Nothing here decides for good: whatever is recognised travels to the atomic call with its case as a hint, and the script checks it.
"""

from msgspec import UNSET, Struct

from incidents.steps.sifting import CM
from streams.glance import Seen
from streams.sorting import URGENT, Row, Sighting, cosine

MOST_KNOWN = 300_000
"""Pairs of source and category remembered per generation; two generations are kept, the older one forgotten when the younger is full."""
CM_OF_COS = CM / 1_000_000

Key = tuple[str, str]
"""Source and category."""


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

    def covers(self, where: tuple[float, float] | None, seen: int) -> bool:
        """Whether a report that this source's last question explained is surely explained by its answer too."""
        return self.within(seen) and (bool(self.identity) or (where is not None and self.near(*where)))

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


class Memory:
    """Bounded: what was not asked for in the last `most` to `2 * most` new pairs is forgotten. `young` may be read, `get` reads both."""

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self.young: dict[Key, Known] = {}
        self._old: dict[Key, Known] = {}

    def get(self, key: Key) -> Known | None:
        """What is known of a source and category."""
        known = self.young.get(key)
        if known is None and self._old:
            known = self._old.pop(key, None)
            if known is not None:
                self.keep(key, known)
        return known

    def keep(self, key: Key, known: Known) -> None:
        """Remember, in place of what was known before."""
        self.young[key] = known
        if len(self.young) >= self._most:
            self._old, self.young = self.young, {}

    def drop(self, key: Key) -> None:
        """Forget."""
        self.young.pop(key, None)
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

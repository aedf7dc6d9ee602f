"""The live feed of the console: the projection tells it every fact once, as a small frame; browsers follow it.

A Redis stream of the last 100,000 frames (about a week of a city's facts), and a hash of the last sequence told per case with the units
that had it, which closure's forgetting clears with the case. Both move in one guarded call, so that a replayed batch tells nothing twice.
An entry's second field `was` names the units of the frame before, so that a unit that a case leaves is told. What a flush takes is not
rebuilt: the feed is news, the record is `cases.events`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import AwareDatetime

from adapters import metrics
from adapters.hot import HotStore
from incidents.catalogue import Frozen
from incidents.events import CaseId
from incidents.vocabulary import FactType, HeldBecause, Severity, State

MOST_KEPT = 100_000

_TELL = """
local told = {}
for i = 3, #ARGV, 4 do
  local sequence = tonumber(ARGV[i + 1])
  local last, was = string.match(redis.call('HGET', KEYS[3], ARGV[i]) or '0', '^(%d+) ?(.*)$')
  if sequence > tonumber(last) then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'frame', ARGV[i + 3], 'was', was)
    redis.call('HSET', KEYS[3], ARGV[i], sequence .. ' ' .. ARGV[i + 2])
    told[#told + 1] = (i - 3) / 4
  end
end
return told
"""


class Frame(Frozen):
    """What the page needs of a fact, and nothing about people: no words, names, plates or addresses."""

    case_id: CaseId
    sequence: int
    fact: FactType
    at: AwareDatetime
    state: State
    category: str
    severity: Severity
    district: str | None
    subdistrict: str | None = None
    lon: float
    lat: float
    unit: str | None
    assisting: tuple[str, ...] = ()
    count: int
    reason: str | None
    revision: int = 0
    held_because: HeldBecause | None = None
    due_at: AwareDatetime | None = None
    overdue: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """Who has it: the leading unit and those that assist."""
        return ((self.unit,) if self.unit else ()) + self.assisting


def frame(event: dict[str, Any]) -> Frame:
    """The frame of a fact, from its record's JSON: `Fact` is not built for it. Raises ValidationError."""
    data = event["data"]
    case, place = data["case"], data["case"]["place"]
    shown = {name: case[name] for name in Frame.model_fields if name in case}
    return Frame.model_validate(
        shown
        | {"fact": event["type"].split(".")[2], "at": data["at"], "reason": data.get("reason")}
        | {"district": place.get("district"), "subdistrict": place.get("subdistrict"), "lon": place["lon"], "lat": place["lat"]}
        | {"count": sum(total["count"] for total in case.get("totals", {}).values())}
    )


class Feed(Protocol):
    """Where frames are told."""

    async def tell(self, frames: Sequence[Frame]) -> list[Frame]:
        """Append the frames that are newer than what was told of their case, and return those. Raises TryAgain and NotReady."""


class RedisFeed:
    """The feed of a real stack."""

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot

    async def tell(self, frames: Sequence[Frame]) -> list[Frame]:
        """See Feed."""
        if not frames:
            return []
        args: list[str | int] = [MOST_KEPT]
        for each in frames:
            args += [each.case_id, each.sequence, ",".join(each.units), each.model_dump_json()]
        keys = self._hot.keys
        with metrics.REDIS_CALL_SECONDS.labels("feed").time():
            told: list[int] = await self._hot.run(_TELL, [keys.feed, keys.told], args)
        return [frames[at] for at in told]


class MemoryFeed:
    """The twin without a server."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._told: dict[CaseId, int] = {}

    async def tell(self, frames: Sequence[Frame]) -> list[Frame]:
        """See Feed."""
        told = []
        for each in frames:
            if each.sequence > self._told.get(each.case_id, 0):
                self._told[each.case_id] = each.sequence
                told.append(each)
        self.frames += told
        del self.frames[:-MOST_KEPT]
        return told

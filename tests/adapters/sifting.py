"""Builders for the tests of the atomic call: groups in metres and seconds around one point, and stores on a shelf, driven alike."""

import copy
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from adapters.case_store import MOVES
from adapters.hot import HotStore, Keys, connect
from adapters.sift import BUDGET_US, Answer, RedisSift, Sift
from adapters.sift_memory import MemorySift
from incidents.steps.sifting import CM, Group, MatchRule
from incidents.vocabulary import State
from tests.hot import let_in

X, Y, COS = 1_203_826_000, 360_671_000, 808_000
T0 = 1_795_219_200_000
CLUSTER = "cluster"
serial = itertools.count(1)


def rule(**changes: object) -> MatchRule:
    """50 m, two hours, place: road spillage."""
    numbers: dict[str, object] = {
        "radius": 5000,
        "window": 7_200_000,
        "span": 0,
        "recurs": 604_800_000,
        "quiet": 86_400_000,
        "by_place": True,
        "moving": False,
        "confirm": 1,
    }
    return MatchRule(**(numbers | changes))  # type: ignore[arg-type]


def group(source: str, offsets: int | list[int], *, east_m: float = 0, s: float = 0, **changes: object) -> Group:
    """One source's reports at these offsets, `east_m` from the point, `s` seconds after T0 (one more each)."""
    where = [offsets] if isinstance(offsets, int) else offsets
    fields: dict[str, object] = {
        "source": source,
        "family": "road_spillage",
        "identity": "",
        "x": X + round(east_m * 100 / CM / COS * 1_000_000),
        "y": Y,
        "cos": COS,
        "known": True,
        "tight": True,
        "machine": True,
        "urgent": 2,
        "rule": rule(),
        "new_id": f"QD-{source}-{where[0]}",
        "opening": f'{{"by":"{source}:{where[0]}"}}',
        "category": "road_spillage",
        "offsets": where,
        "times": [T0 + round(s * 1000) + 1000 * at for at in range(len(where))],
        "keys": [next(serial) for _ in where],
        "values": [b"" for _ in where],
    }
    return Group(**(fields | changes))  # type: ignore[arg-type]


def hinted(source: str, case: str, offsets: int | list[int], **where: object) -> Group:
    """Recognised repeats: a hint, and nothing to open a case with."""
    return group(source, offsets, hint=case, new_id="", opening="", **where)  # type: ignore[arg-type]


def light(source: str, offsets: int | list[int], **where: object) -> Group:
    """A machine's report as it comes first: nothing to open a case with."""
    return group(source, offsets, new_id="", opening="", **where)  # type: ignore[arg-type]


async def redis_sift(url: str, namespace: str, budget_us: int = BUDGET_US) -> tuple[RedisSift, HotStore]:
    """The real store in a namespace, ready."""
    hot = HotStore(connect(url), Keys(namespace, "qingdao"), CLUSTER)
    await let_in(hot)
    return RedisSift(hot, "r1", budget_us=budget_us), hot


class Shelf:
    """A store under test, driven synchronously."""

    def __init__(self, store: Sift, hot: HotStore | None) -> None:
        self.store, self.hot = store, hot
        self._sequence = 0

    async def kept(self) -> object:
        """Everything that is kept, to be compared."""
        if isinstance(self.store, MemorySift):
            return copy.deepcopy((self.store.cases, self.store.marks, self.store.identities))
        assert self.hot is not None
        redis = self.hot.redis
        keys = sorted([key async for key in redis.scan_iter(self.hot.keys.sift + "*") if not key.endswith(b"writable")])
        return [(key, await redis.dump(key)) for key in keys]

    async def call(self, *groups: Group, partition: int = 0, topic: str = "T") -> Answer:
        """One call."""
        return await self.store.call(partition, topic, groups)

    async def fill(self, *groups: Group) -> None:
        """As many calls as it takes."""
        left = list(groups)
        while left:
            answer = await self.call(*left)
            left = [group for group, each in zip(left, answer.learned, strict=True) if each.verdict == "later"]

    async def move(self, case: str, state: State, handled: int | None = None, ended: int | None = None, into: str = "") -> None:
        """What closure does to a case, by its own script."""
        if isinstance(self.store, MemorySift):
            self.store.move(case, state, handled, ended, into)
        else:
            await self._moves(case, state, handled, ended, into)

    async def forget(self, case: str) -> None:
        """What closure does to a case when nobody may come back to it."""
        if isinstance(self.store, MemorySift):
            self.store.forget(case)
        else:
            await self._moves(case, State.CLOSED, None, None, "", forgotten=True)

    async def _moves(self, case: str, state: State, handled: int | None, ended: int | None, into: str, forgotten: bool = False) -> None:
        assert self.hot is not None
        self._sequence += 1
        stands = {"state": state, "handled": _text(handled), "ended": _text(ended), "into": into, "forgotten": forgotten}
        move = {"id": case, "before": 0, "after": self._sequence, "opened": 0, "gone": [], "due": []} | stands
        await self.hot.run(MOVES, [self.hot.keys.prefix], [600, 600, 1, orjson.dumps(move), f'{{"sequence":{self._sequence}}}'])


def _text(moment: int | None) -> str:
    return "" if moment is None else str(moment)


def totals_told(sight: Mapping[str, Any]) -> dict[str, str]:
    """Source -> total of a sight of the outcome."""
    flat = sight["totals"]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def verdicts(answer: Answer) -> list[tuple[Any, ...]]:
    """Case, verdict, rule and offsets of each row of the outcome."""
    return [(row[0], row[1], row[2], tuple(row[5])) for row in orjson.loads(answer.outcome)["fates"]] if answer.outcome else []


OnShelf = Callable[[Callable[[Shelf], Awaitable[None]]], None]

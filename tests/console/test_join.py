"""A snapshot and the feed behind its cursor make the whole truth, whenever the snapshot was taken."""

import asyncio
import random
import uuid
from collections.abc import Sequence

import orjson
import pytest

from config.settings import Settings
from console.feed import frames
from console.snapshot import Snapshots
from incidents.rights import EVERYTHING
from tests.console.feed_of import Desk, a_frame

pytestmark = pytest.mark.stack

CASES = 40
PAGES = 12
WAY = ("reported", "filed", "dispatched", "handling", "checking", "checked", "closed")
LAST = "QD-END"


async def live(desk: Desk, dice: random.Random, pages: asyncio.Barrier) -> dict[str, str]:
    """Move the cases in random order, each as closure and the projection do: first the store, then the feed; say when that was all.

    Returns the truth at the end.
    """
    steps = sorted((dice.random(), number) for number in range(CASES) for _ in WAY)
    done = dict.fromkeys(range(CASES), 0)
    for _, number in steps:
        frame = a_frame(number, state=WAY[done[number]], sequence=done[number] + 1)
        done[number] += 1
        place = {name: frame[name] for name in ("lon", "lat", "district")}
        case = orjson.dumps(frame | {"place": place, "entered_at": frame["at"]})
        await desk.redis.set(desk.keys.case + str(frame["case_id"]), case)
        await desk.redis.zadd(desk.keys.cases, {str(frame["case_id"]): number})
        await asyncio.sleep(0)
        await desk.redis.xadd(desk.keys.feed, {"frame": orjson.dumps(frame)})
    await pages.wait()
    await desk.redis.xadd(desk.keys.feed, {"frame": orjson.dumps(a_frame(0, case_id=LAST))})
    return {str(a_frame(number)["case_id"]): WAY[-1] for number in range(CASES)}


async def watch(desk: Desk, after_s: float, pages: asyncio.Barrier) -> dict[str, str]:
    """Load the page after a while and follow it to the end; what it then shows, by case."""
    await asyncio.sleep(after_s)
    taken = await Snapshots(desk.view).now()
    known = {case["case_id"]: (case["sequence"], case["state"]) for case in orjson.loads(taken.body)["cases"]}
    feed = frames(desk.hub, EVERYTHING, taken.cursor)
    reached = asyncio.create_task(pages.wait())
    async with asyncio.timeout(20):
        async for body in feed:
            for frame in _facts(body):
                if frame["case_id"] == LAST:
                    await reached
                    await feed.aclose()  # type: ignore[attr-defined]  # an async generator
                    return {case_id: state for case_id, (_, state) in known.items()}
                if frame["sequence"] > known.get(frame["case_id"], (0, ""))[0]:
                    known[frame["case_id"]] = (frame["sequence"], frame["state"])
    raise AssertionError("the feed ended")


def _facts(body: bytes) -> Sequence[dict[str, object]]:
    lines = body.decode().splitlines()
    assert "event: resync" not in lines
    return [orjson.loads(line[6:]) for event, line in zip(lines, lines[1:], strict=False) if event == "event: fact"]


def test_pages_loaded_at_any_moment_end_with_the_truth(redis_server: str) -> None:
    async def story() -> None:
        dice = random.Random(5)
        async with Desk(Settings(redis_url=redis_server, namespace=f"t{uuid.uuid4().hex[:8]}.")).running() as desk:
            pages = asyncio.Barrier(PAGES + 1)
            watching = [watch(desk, dice.uniform(0, 0.4), pages) for _ in range(PAGES)]
            truth, *shown = await asyncio.gather(live(desk, dice, pages), *watching)
            for page in shown:
                assert page == truth
            await desk.redis.delete(desk.keys.cases, *(desk.keys.case + case_id for case_id in truth))

    asyncio.run(story())

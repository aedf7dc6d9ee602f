"""A list of cases and the feed behind its cursor make the whole truth, whenever the list was asked for."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.case_keeper import CaseTables
from adapters.case_query import CaseQuery
from adapters.case_rows import read_fact
from adapters.database import Database, open_database
from config.load import load_city
from config.settings import Settings
from console.feed import frames
from incidents.facts import encode_fact
from incidents.rights import EVERYTHING
from incidents.vocabulary import FactType, State
from tests.console.feed_of import Desk, a_frame
from tests.console.served import StandingClock
from tests.streams.fact_agents import a_fact, frame_of

pytestmark = pytest.mark.stack

CASES = 30
PAGES = 10
WAY = (State.REPORTED, State.FILED, State.DISPATCHED, State.HANDLING, State.CHECKING, State.CHECKED, State.SUSPENDED)
LAST = "QD-END"


async def live(desk: Desk, tables: CaseTables, dice: random.Random, pages: asyncio.Barrier) -> dict[str, str]:
    """Move the cases in random order as the projection does: first the tables, then the feed; say when that was all.

    Returns the truth at the end.
    """
    steps = sorted((dice.random(), number) for number in range(CASES) for _ in WAY)
    done = dict.fromkeys(range(CASES), 0)
    for offset, (_, number) in enumerate(steps):
        done[number] += 1
        kind = FactType.OPENED if done[number] == 1 else FactType.NOTED
        fact = a_fact(number, done[number], kind, WAY[done[number] - 1])
        await asyncio.to_thread(tables.take, [read_fact(encode_fact(fact), 0, offset)])
        await desk.redis.xadd(desk.keys.feed, {"frame": frame_of(fact).model_dump_json()})
    await pages.wait()
    await desk.redis.xadd(desk.keys.feed, {"frame": orjson.dumps(a_frame(0, case_id=LAST))})
    return {str(a_fact(number).case_id): WAY[-1] for number in range(CASES)}


async def watch(desk: Desk, query: CaseQuery, after_s: float, pages: asyncio.Barrier) -> dict[str, str]:
    """Load the page after a while, cursor first, and follow it to the end; what it then shows, by case."""
    await asyncio.sleep(after_s)
    cursor = (await desk.view.reach()).newest
    page = await asyncio.to_thread(query.cases, EVERYTHING, limit=CASES)
    known = {row["case_id"]: (row["sequence"], row["state"]) for row in page.rows}
    reached = asyncio.create_task(pages.wait())
    async with asyncio.timeout(60), contextlib.aclosing(frames(desk.hub, EVERYTHING, cursor)) as feed:  # type: ignore[type-var]
        async for body in feed:
            for told in _facts(body):
                if told["case_id"] == LAST:
                    await reached
                    return {case_id: state for case_id, (_, state) in known.items()}
                if told["sequence"] > known.get(told["case_id"], (0, ""))[0]:
                    known[told["case_id"]] = (told["sequence"], told["state"])
    raise AssertionError("the feed ended")


def _facts(body: bytes) -> Sequence[dict[str, Any]]:
    lines = body.decode().splitlines()
    assert "event: resync" not in lines
    return [orjson.loads(line[6:]) for event, line in zip(lines, lines[1:], strict=False) if event == "event: fact"]


def _tables(settings: Settings) -> tuple[Database, CaseTables]:
    database = open_database(settings)
    tables = CaseTables(database)
    tables.prepare("topic", {})
    return database, tables


def test_pages_loaded_at_any_moment_end_with_the_truth(redis_server: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_server, namespace=f"t{uuid.uuid4().hex[:8]}.", local_dir=tmp_path)
    database, tables = _tables(settings)
    query = CaseQuery(database, load_city(settings), StandingClock().now)

    async def story() -> None:
        dice = random.Random(5)
        async with Desk(settings).running() as desk:
            pages = asyncio.Barrier(PAGES + 1)
            watching = [watch(desk, query, dice.uniform(0, 0.8), pages) for _ in range(PAGES)]
            truth, *shown = await asyncio.gather(live(desk, tables, dice, pages), *watching)
            for page in shown:
                assert page == truth

    with contextlib.closing(database):
        asyncio.run(story())

"""`cityloop rebuild`: fills the hot store, or the SQL tables, again from Kafka, by hand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer

from adapters.database import open_database
from adapters.log import configure_logging
from cli.output import AsJson, out, say
from config.settings import Settings, load_settings
from incidents.errors import TryAgain
from streams.deps import open_deps
from streams.rebuild import Filled, refill
from streams.tables import refill as refill_tables

TRIES = 5
SAY_EVERY = 50_000

T = TypeVar("T")
Tables = Annotated[bool, typer.Option("--tables", help="The SQL tables of cases, instead of Redis.")]


def register(app: typer.Typer) -> None:
    """Adds the command `rebuild`."""
    app.command("rebuild")(rebuild)


def rebuild(tables: Tables = False, as_json: AsJson = False) -> None:
    """Fill Redis again from Kafka: every case, deadline and mark. Workers stop taking work meanwhile and go on afterwards by themselves.

    They do the same by themselves when Redis was emptied, started again or replaced; by hand it is for a Redis whose content is in doubt.
    What may be lost is written in docs/operations.md: sightings that were counted and not yet told, and recent ids of machine reports.

    With `--tables`, empty the SQL tables and fill them again from every fact; Redis is left alone. Broken off, it goes on where it was.

    Example: `cityloop rebuild`, `cityloop rebuild --tables`
    """
    settings = load_settings()
    configure_logging(settings, "rebuild")
    if tables:
        refilled = asyncio.run(_again(lambda: _tables(settings)))
        out(refilled, as_json, lambda _: f"{refilled['facts']:,} facts in {refilled['seconds']} s")
        return
    filled = asyncio.run(_refilled(settings))
    out(asdict(filled), as_json, lambda _: f"{filled.cases} cases and {filled.sights} sights under way, in {filled.seconds} s")


async def _refilled(settings: Settings) -> Filled:
    async with open_deps(settings) as deps:
        return await _again(lambda: refill(deps))


async def _tables(settings: Settings) -> dict[str, float]:
    database, began, done = open_database(settings), time.monotonic(), 0

    def progress(records: int) -> None:
        nonlocal done
        if done // SAY_EVERY != (done + records) // SAY_EVERY:
            say(f"{done + records:,} facts …")
        done += records

    try:
        await refill_tables(settings, database, progress)
    finally:
        database.close()
    return {"facts": done, "seconds": round(time.monotonic() - began, 2)}


async def _again(attempt: Callable[[], Awaitable[T]]) -> T:
    for left in reversed(range(TRIES)):
        try:
            return await attempt()
        except TryAgain:
            if not left:
                raise
            await asyncio.sleep(1)
    raise AssertionError("unreachable")

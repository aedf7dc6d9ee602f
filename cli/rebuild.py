"""`cityloop rebuild`: fills the hot store again from Kafka, by hand."""

import asyncio
from dataclasses import asdict

import typer

from adapters.log import configure_logging
from cli.output import AsJson, out
from config.settings import Settings, load_settings
from incidents.errors import TryAgain
from streams.deps import open_deps
from streams.rebuild import Filled, refill

TRIES = 5


def register(app: typer.Typer) -> None:
    """Adds the command `rebuild`."""
    app.command("rebuild")(rebuild)


def rebuild(as_json: AsJson = False) -> None:
    """Fill Redis again from Kafka: every case, deadline and mark. Workers stop taking work meanwhile and go on afterwards by themselves.

    They do the same by themselves when Redis was emptied, started again or replaced; by hand it is for a Redis whose content is in doubt.
    What may be lost is written in docs/operations.md: sightings that were counted and not yet told, and recent ids of machine reports.

    Example: `cityloop rebuild`
    """
    settings = load_settings()
    configure_logging(settings, "rebuild")
    filled = asyncio.run(_refilled(settings))
    out(asdict(filled), as_json, lambda _: f"{filled.cases} cases and {filled.sights} sights under way, in {filled.seconds} s")


async def _refilled(settings: Settings) -> Filled:
    async with open_deps(settings) as deps:
        for left in reversed(range(TRIES)):
            try:
                return await refill(deps)
            except TryAgain:
                if not left:
                    raise
                await asyncio.sleep(1)
        raise AssertionError("unreachable")

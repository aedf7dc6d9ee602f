"""`cityloop units`: the departments, desks and checkers of a simulated city, at work on real cases."""

import asyncio
import signal
from contextlib import nullcontext
from typing import Annotated

import typer

from adapters.log import configure_logging
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.settings import load_settings
from producers.album import open_album
from producers.units import Units
from producers.units_run import UnitsAtWork


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("units")(work)


def work(
    seed: Annotated[int, typer.Option(help="The same seed makes the same decisions about the same cases.")] = 1,
    speed: Annotated[float, typer.Option(min=0.01, help="So many times quicker than people of a city are.")] = 1.0,
    pictures: Annotated[bool, typer.Option("--pictures", help="Draw what they show, and keep it in the store of evidence.")] = False,
    leave: Annotated[float, typer.Option(min=0, max=1, help="Share of cases whose desk work waits 20 city hours for a person.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Let the city's people act: verify, file, accept, handle, return, check, close, by named persons, with realistic shares.

    A separate process that sees topics only: it reads cases.events and writes cases.commands; patrols with a `home` in units.toml drive
    about it and say so on units.positions once a minute. Durations run on the city's clock (CITYLOOP_CLOCK). It may be stopped and
    started at any time; Ctrl-C or SIGTERM ends it and prints what was commanded.

    Example: `CITYLOOP_CLOCK=x600@2026-11-21T08:00+08:00 cityloop units --seed 7`
    """
    settings = load_settings()
    configure_logging(settings, "units")
    units = Units(load_city(settings), seed, speed, left=leave)
    with open_album(settings) if pictures else nullcontext() as album:
        at_work = UnitsAtWork(settings, units, album)
        say("the units are at work; Ctrl-C ends it")
        asyncio.run(_until_told(at_work))
    given = {str(command): count for command, count in sorted(at_work.given.items())}
    out(given, as_json, lambda _: table(("command", "given"), given.items()))


async def _until_told(at_work: UnitsAtWork) -> None:
    task = asyncio.create_task(at_work.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()

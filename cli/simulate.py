"""`cityloop simulate`: the reports of a simulated city, paced by the city's clock."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from adapters.clock import CityClock, ClockKind, RealClock, open_clock, parse_clock
from adapters.hot import Keys, connect
from cli.output import AsJson
from cli.produce import Out, Request, send, surroundings
from config.settings import Settings, load_settings
from incidents.events import epoch_ms
from producers.album import open_album
from producers.base import options_of
from producers.pace import ByClock, Pace, Recorded, pace_of
from producers.pictured import Pictured
from producers.simulation.plan import SimulationOptions
from producers.sources import simulate as source

CITY = "city"


def register(app: typer.Typer) -> None:
    """Adds `simulate`."""
    app.command("simulate")(simulate)


def simulate(  # noqa: PLR0913  # a command's options are its parameters
    cameras: Annotated[int, typer.Option(help="Cameras in the city, up to 999,999.")] = 2000,
    rate: Annotated[float, typer.Option(help="Reports a *real* second, as the mean of a day.")] = 20.0,
    minutes: Annotated[float | None, typer.Option(help="End after so many real minutes.")] = None,
    count: Annotated[int | None, typer.Option(help="End after so many reports.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed, --start and options give the same bytes.")] = 1,
    start: Annotated[str | None, typer.Option(help="City time it begins at, with offset; default: the city's clock.")] = None,
    speed: Annotated[str | None, typer.Option(help="`city`: by its clock (default for Kafka), `max` (for a file), `500/s`.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write which report belongs to which incident into this file (JSONL).")] = None,
    false_alarms: Annotated[float, typer.Option(help="Share: a camera sees, once, what is not there.")] = 0.05,
    bad: Annotated[float, typer.Option(help="Share of bad input, of every kind.")] = 0.0,
    late: Annotated[float, typer.Option(help="Share that arrives late, up to ten city minutes.")] = 0.02,
    resent: Annotated[float, typer.Option(help="Share that a client sends twice.")] = 0.0,
    noise: Annotated[float, typer.Option(help="Sigma of a camera's position error, metres.")] = 5.0,
    connect: Annotated[float, typer.Option(min=0, help="Real minutes over which the cameras are connected.")] = 0.0,
    flat: Annotated[bool, typer.Option(help="The same rate at every hour: no day's curve.")] = False,
    pictures: Annotated[float, typer.Option(min=0, max=1, help="Share of cameras that send a drawn picture along.")] = 0.0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Publish what the cameras and residents of a simulated city report.

    Incidents begin, are seen again and again by one to three cameras, move (muck trucks), are called in, and end. The times of reports lie
    on the city's clock: at x600 a real minute of reports tells ten city hours, and cameras repeat as seldom as the rate asks for.

    Example: `cityloop simulate --cameras 5000 --rate 200 --minutes 2 --truth truth.jsonl`
    """
    settings = load_settings()
    clock = _clock(settings)
    given = {
        "cameras": cameras, "rate": rate / clock.speed, "seed": seed, "false_alarms": false_alarms, "bad": bad, "late": late,
        "resent": resent, "noise_m": noise, "flat": flat, "count": count, "start": start or clock.now(),
        "connect_minutes": connect * clock.speed,
        "minutes": None if minutes is None else minutes * clock.speed,
    }  # fmt: skip
    options = SimulationOptions.model_validate(options_of(source.KIND, given))
    pace = _pace(speed or (CITY if out is None else "max"), clock, start is not None)
    simulation = source.opened(options, surroundings(settings))
    if start is None:
        simulation.begin_at(clock.now())
    request = Request("simulate", pace, out, None, truth, as_json)
    if not pictures:
        send(simulation, settings, request)
        return
    with open_album(settings) as album:
        send(Pictured(simulation, album, pictures), settings, request)


def _clock(settings: Settings) -> CityClock:
    """The city's clock. A clock that follows events is driven by these very reports, so they are paced by the wall clock then."""
    if parse_clock(settings.clock).kind is ClockKind.FAST:
        return asyncio.run(_agreed(settings))
    return RealClock()


async def _agreed(settings: Settings) -> CityClock:
    redis = connect(settings.redis_url)
    try:
        return await open_clock(settings, redis, Keys(settings.namespace, settings.city))
    finally:
        await redis.aclose()


def _pace(speed: str, clock: CityClock, has_start: bool) -> Pace:
    if speed != CITY:
        return pace_of(speed)
    return Recorded(clock.speed) if has_start else ByClock(lambda: epoch_ms(clock.now()), clock.speed)

"""`cityloop duty`: who is on duty, and whom a case would call at any moment."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.hooks_silence import FORMATS
from cli.output import AsJson, out, table
from cli.words import moment
from config.documents import unknown
from config.load import load_city
from config.load_duty import load_duty
from config.settings import load_settings
from incidents.catalogue import City, Frozen
from incidents.duty import Called, Roster, called, on_duty
from incidents.errors import UserError

At = Annotated[datetime | None, typer.Option(formats=FORMATS, help="ISO 8601 with an offset. Default: now.")]


class AtPost(Frozen):
    """Who is at a post at a moment, or is called there later; `why` only of a call."""

    unit: str
    level: str
    people: tuple[str, ...]
    names: tuple[str, ...]
    at: datetime
    why: str | None = None


def register(app: typer.Typer) -> None:
    """Adds `duty`."""
    app.command("duty")(duty)


def duty(
    unit: Annotated[str | None, typer.Argument(help="Key of the unit that has the case; every post when not given.")] = None,
    at: At = None,
    level: Annotated[str | None, typer.Option(help="The level that the case is at, or was escalated to. Default: the unit's.")] = None,
    emergency: Annotated[bool, typer.Option("--emergency", help="It does not wait until somebody's duty begins.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say who is on duty at every post now or at a moment; for a unit, whom a case of it would call, when, and why.

    By duty.toml, duty.csv and duty_people.csv of the city, and its calendar (docs/duty.md). Exit code 1 when a case would call nobody.

    Example: `cityloop duty sanitation-370202 --at 2026-10-01T22:00+08:00`
    """
    settings = load_settings()
    city = load_city(settings)
    roster, now = load_duty(settings, city), (at or datetime.now(UTC)).astimezone(UTC)
    if unit is None:
        found = [_there(city, roster, post, now) for post in sorted(roster.shifts_of)]
    else:
        call = _call(city, roster, (unit, level), now, emergency=emergency)
        found = (
            [] if call is None else [_at_post(call.unit, call.level, [(each.key, each.name) for each in call.people], call.at, call.why)]
        )
    out(found, as_json, lambda rows: table(("unit", "level", "from", "people", "why"), [_row(city, row) for row in rows]))
    if unit is not None and not found:
        raise typer.Exit(1)


def _call(city: City, roster: Roster, post: tuple[str, str | None], at: datetime, *, emergency: bool) -> Called | None:
    key, level = post
    office = city.unit_by_key.get(key)
    if office is None:
        raise UserError(f"{unknown(key, list(city.unit_by_key), 'unit')} (`cityloop duty` lists the posts)")
    if level is not None and level not in city.levels:
        raise UserError(unknown(level, list(city.levels), "level"))
    return called(city, roster, (key, level or office.level), office.district, at, waits=not emergency)


def _there(city: City, roster: Roster, post: tuple[str, str], at: datetime) -> AtPost:
    return _at_post(*post, [(each.key, each.name) for each in on_duty(city, roster, *post, at)], at)


def _at_post(unit: str, level: str, people: list[tuple[str, str]], at: datetime, why: str | None = None) -> AtPost:
    keys, names = tuple(key for key, _ in people), tuple(name for _, name in people)
    return AtPost(unit=unit, level=level, people=keys, names=names, at=at, why=why)


def _row(city: City, row: AtPost) -> tuple[object, ...]:
    people = ", ".join(f"{name} ({key})" for key, name in zip(row.people, row.names, strict=True)) or "nobody"
    return row.unit, row.level, moment(row.at, city.time_zone), people, row.why or ""

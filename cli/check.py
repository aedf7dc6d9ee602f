"""`cityloop check`: is a city's folder right? Every mistake with file and line, before a process finds it at start."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from adapters.boundaries import locator, read_shapes
from adapters.clock import ClockKind, parse_clock
from cli.check_duty import duty_gaps, duty_of
from cli.output import AsJson, out
from config.documents import Problem
from config.load import city_folder, read_city
from config.load_hook_trials import FILE as HOOK_TRIALS
from config.load_hook_trials import try_hooks
from config.load_hooks import read_hooks
from config.load_indicators import read_evaluation
from config.load_trials import FILE, try_file
from config.mappings import load_mapping
from config.settings import Settings, load_settings
from handlers.receivers import kinds
from incidents.catalogue import City, Frozen
from incidents.clocks import missing_years
from incidents.duty import Roster
from incidents.errors import ConfigError, UserError


class Mistake(Frozen):
    """One problem, for programs."""

    path: str
    line: int | None
    message: str


class Checked(Frozen):
    """What `cityloop check` found: `counts` when the city can be loaded, `problems` when not."""

    city: str
    ok: bool
    rules: str | None
    counts: dict[str, int]
    problems: tuple[Mistake, ...]
    warnings: tuple[str, ...] = ()


def register(app: typer.Typer) -> None:
    """Adds `check`."""
    app.command("check")(check)


def check(
    city: Annotated[str | None, typer.Argument(help="Folder below cities/; the city of CITYLOOP_CITY when not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a city's configuration and explain every mistake as `path:line: message`.

    Looks at city.toml, districts.toml, units.toml, routes.toml, assets.csv, calendar.toml, indicators.toml, duty.toml with its CSV
    files, hooks.toml, catalogue/, mappings/ and the outlines of the districts, and tries the cases of routes.test.toml and hooks.test.toml.
    A calendar that ends within 60 days of the city's clock is a warning, and so are hours of the next 28 days that nobody has duty in.
    Exit code 0: all is well; 1: something is wrong; 2: there is no such city.

    Example: `cityloop check qingdao`
    """
    settings = load_settings()
    found = examine(settings.model_copy(update={"city": city or settings.city}))
    out(found, as_json, _told)
    if not found.ok:
        raise typer.Exit(1)


def examine(settings: Settings) -> Checked:
    """Everything that can be known of a city's folder without a server. Raises UserError when there is no such city."""
    folder = city_folder(settings)
    city, problems = read_city(folder)
    outlines = _outlines(city, settings, folder) if city and not problems else []
    trials = _trials(city, settings, folder) if city and not problems and not outlines else []
    roster, duty = duty_of(folder, city) if city and not problems else (Roster(), [])
    hooks = _hooks(city, settings, folder, bool(outlines)) if city and not problems else []
    problems = [*problems, *read_evaluation(folder)[1], *_mappings(settings, folder), *duty, *hooks, *outlines, *trials]
    return Checked(
        city=settings.city,
        ok=not problems,
        rules=city.rules if city else None,
        counts=_counts(city) if city else {},
        problems=tuple(Mistake(**problem._asdict()) for problem in problems),
        warnings=_ahead(city, roster, settings) if city and not problems else (),
    )


def _mappings(settings: Settings, folder: Path) -> list[Problem]:
    problems = []
    for path in sorted((folder / "mappings").glob("*.toml")):
        try:
            load_mapping(path.stem, settings.config_dir, folder.name)
        except ConfigError as error:
            problems.append(Problem(error.path, error.line, error.message))
    return problems


def _ahead(city: City, roster: Roster, settings: Settings) -> tuple[str, ...]:
    """What time will bring to light, seen from the city's clock; a clock of events has no next months."""
    clock = parse_clock(settings.clock)
    if clock.kind is ClockKind.EVENTS:
        return ()
    now = clock.start if clock.kind is ClockKind.FAST else datetime.now(UTC)
    return (*_calendar(city, now), *duty_gaps(city, roster, city.worktime.day_of(now)))


def _calendar(city: City, now: datetime) -> tuple[str, ...]:
    """A warning when deadlines of the next two months need a year that the calendar does not know."""
    missing = missing_years(city, now)
    if not missing:
        return ()
    last = max(city.calendar.known, default=None) if city.calendar else None
    years = ", ".join(map(str, missing))
    return (f"calendar.toml ends with {last}, and deadlines of the next 60 days need {years}: add the official notice (docs/city.md)",)


def _outlines(city: City, settings: Settings, folder: Path) -> list[Problem]:
    try:
        read_shapes(city, settings)
    except UserError as error:
        return [Problem(str(settings.boundaries or folder / "city.toml"), None, str(error))]
    return []


def _trials(city: City, settings: Settings, folder: Path) -> list[Problem]:
    """What the city's own cases say of its routing, where it has some."""
    path = folder / FILE
    return try_file(path, city, locator(city, settings))[1] if path.is_file() else []


def _hooks(city: City, settings: Settings, folder: Path, is_shapeless: bool) -> list[Problem]:
    """What is wrong with hooks.toml, and what the city's own trials say of it, where it has some."""
    hooks, problems = read_hooks(folder, city, kinds())
    path = folder / HOOK_TRIALS
    if hooks is None or is_shapeless or not path.is_file():
        return problems
    return [*problems, *try_hooks(path, city, hooks.rules, locator(city, settings))[1]]


def _counts(city: City) -> dict[str, int]:
    return {
        "domains": len(city.domains),
        "categories": len(city.categories),
        "conditions": sum(len(category.conditions) for category in city.categories),
        "districts": len(city.districts),
        "subdistricts": sum(len(district.subdistricts) for district in city.districts),
        "units": len(city.units),
        "routes": len(city.routes),
    }


def _told(found: Checked) -> str:
    if found.ok:
        counts = ", ".join(f"{count} {what}" for what, count in found.counts.items())
        return "\n".join([f"{found.city} is right: {counts}; rules {found.rules}", *(f"warning: {each}" for each in found.warnings)])
    lines = [str(Problem(problem.path, problem.line, problem.message)) for problem in found.problems]
    return "\n".join([*lines, f"{found.city}: {len(lines)} to put right"])

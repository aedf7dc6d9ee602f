"""A city's folder into a `City`, checked: every mistake with file and line, all of them at once.

`load_city` is called once at the start of every role; `check_city` is what `cityloop check` prints. The hash of the files' bytes is the
rule version that every verdict names: same bytes, same rules.
"""

from datetime import timedelta
from pathlib import Path

from config.check_routes import check_fitness, check_routes
from config.documents import Document, Problem, Problems, Row
from config.load_catalogue import Catalogue, Origin, read_catalogue
from config.load_checks import check_catalogue, check_frame, check_leads, check_units
from config.load_routes import Routing, read_assets, read_routing
from config.load_units import read_districts, read_units
from config.rule_sets import hash_of, rule_files
from config.settings import Settings
from incidents.catalogue import City, DistrictName, StageLimits, Unit
from incidents.errors import ConfigError, UserError
from incidents.workcalendar import WorkCalendar

UNBOUNDED = "unbounded"
OFF = "off"
SECTIONS = ("bounds", "accept", "accuracy_m", "boundaries", "stages", "escalation")
_NOTED = timedelta(hours=1)  # stands in for a duration whose mistake is noted already
VALUES = ("key", "code", "name", "time_zone", "levels", "catalogue_version", "reopen_within", "default_geocodes")


def load_city(settings: Settings) -> City:
    """The city that `CITYLOOP_CITY` names. Raises ConfigError with every mistake, UserError when there is no such folder."""
    return load_folder(city_folder(settings))


def city_folder(settings: Settings, key: str | None = None) -> Path:
    """The folder of a city, the settings' own unless `key` names one. Raises UserError listing the cities there are."""
    cities = settings.config_dir / "cities"
    folder = cities / (key or settings.city)
    if (folder / "city.toml").is_file():
        return folder
    known = sorted(path.parent.name for path in cities.glob("*/city.toml"))
    raise UserError(
        f"no city {key or settings.city!r} in {cities}; there are: {', '.join(known) or 'none'} (CITYLOOP_CITY, CITYLOOP_CONFIG_DIR)"
    )


def load_folder(folder: Path) -> City:
    """The city of a folder. Raises ConfigError: the first mistake's place, all mistakes in the message."""
    city, problems = read_city(folder)
    if city is None or problems:
        first, *rest = problems
        raise ConfigError(first.path, first.line, "\n".join([first.message, *map(str, rest)]))
    return city


def check_city(folder: Path) -> list[Problem]:
    """Everything that is wrong with a city's folder, in the order of files and lines; empty when it can be loaded."""
    return read_city(folder)[1]


def read_city(folder: Path) -> tuple[City | None, list[Problem]]:
    """The city and its mistakes; the city is None when a mistake leaves a part of it without value."""
    problems = Problems()
    document, calendar = problems.read(folder / "city.toml"), problems.read(folder / "calendar.toml")
    row = _city_row(document, folder)
    districts = read_districts(problems.read(folder / "districts.toml"))
    units = read_units(problems.read(folder / "units.toml"), districts)
    routing = read_routing(problems.read(folder / "routes.toml"))
    catalogue = read_catalogue(folder / "catalogue", problems)
    row |= {
        "districts": districts,
        "categories": [category for category, _ in catalogue.categories],
        "domains": catalogue.domains,
        "units": [unit for unit, _ in units],
        "routes": [route for route, _ in routing.routes],
        "zones": [zone for zone, _ in routing.zones],
        "fallback": routing.fallback,
        "assets": read_assets(folder / "assets.csv", catalogue, units, problems),
        "calendar": calendar.model(WorkCalendar, calendar.table),
        "rules": hash_of(rule_files(folder)),
    }
    city = document.model(City, row)
    if city is not None:
        check_frame(document, city)
    if not problems:  # a row that could not be read would make others look wrong
        _check_across(document, catalogue, districts, units, routing)
    return city, sorted(set(problems), key=lambda problem: (problem.path, problem.line or 0))


def _check_across(
    document: Document,
    catalogue: Catalogue,
    districts: list[DistrictName],
    units: list[tuple[Unit, Origin]],
    routing: Routing,
) -> None:
    levels = document.table.get("levels", ())
    offices = [unit for unit, _ in units]
    if not catalogue.categories:
        document.problem("catalogue/*.toml holds no usable category: nothing could be reported")
    check_catalogue(catalogue)
    if isinstance(levels, list):
        check_units(units, districts, tuple(levels))
    check_leads(catalogue, offices, districts)
    check_fitness(units, catalogue, districts)
    check_routes(routing, catalogue, offices, districts)


def _city_row(document: Document, folder: Path) -> Row:
    """city.toml as the fields of `City`."""
    document.only(*VALUES, *SECTIONS)
    row: Row = {key: document.table[key] for key in VALUES if key in document.table}
    row |= {key: document.section(key) for key in ("bounds", "accuracy_m", "boundaries", "escalation") if key in document.table}
    if "reopen_within" in row:
        row["reopen_within"] = document.duration(row, "reopen_within") or _NOTED
    row["stages"] = _stages(document)
    accept = document.section("accept")
    row["accept_past"] = None if accept.get("past") == UNBOUNDED else document.duration(accept, "past", "accept")
    row["accept_ahead"] = document.duration(accept, "ahead", "accept") or _NOTED
    for key in ("past", "ahead"):
        if key not in accept:
            document.problem(f'accept.{key} is missing: how far {key} of the city\'s clock a report may be, like "24h"', "accept")
    if row.get("key") != folder.name:
        document.problem(f"key = {row.get('key')!r}, but the folder is {folder.name!r}", "key")
    return row


def _stages(document: Document) -> Row:
    stages = document.section("stages")
    for key in stages.keys() - StageLimits.model_fields.keys():
        document.problem(f"unknown stage {key!r}; known: {', '.join(StageLimits.model_fields)}", "stages", key)
    return {
        key: None if stages[key] == OFF else document.duration(stages, key, "stages") for key in StageLimits.model_fields if key in stages
    }

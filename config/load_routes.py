"""routes.toml (rows, zones, the fallback) and assets.csv into values; every mistake with its line."""

import csv
from pathlib import Path
from typing import NamedTuple

from config.documents import Document, Problem, Problems, shown, unknown
from config.load_catalogue import Catalogue, Origin
from incidents.catalogue import Route, Unit, Zone

COLUMNS = ("code", "owner")


class Routing(NamedTuple):
    """What routes.toml says; the document is where a mistake of `fallback` is told."""

    document: Document
    routes: list[tuple[Route, Origin]]
    zones: list[tuple[Zone, Origin]]
    fallback: str | None


def read_routing(document: Document) -> Routing:
    """`[[route]]` rows in order (the first that holds decides), `[[zone]]` rows, and `fallback`, a kind of units."""
    document.only("route", "zone", "fallback")
    routes: list[tuple[Route, Origin]] = []
    for number, row in enumerate(document.rows("route")):
        route = document.model(Route, row, "route", number)
        if route is not None:
            routes.append((route, (document, "route", number)))
    zones: list[tuple[Zone, Origin]] = []
    for number, row in enumerate(document.rows("zone")):
        zone = document.model(Zone, row, "zone", number)
        if zone is not None:
            zones.append((zone, (document, "zone", number)))
    fallback = document.table.get("fallback")
    if fallback is not None and not isinstance(fallback, str):
        document.problem(f"fallback = {fallback!r} is no kind of units", "fallback")
    return Routing(document, routes, zones, fallback if isinstance(fallback, str) else None)


def read_assets(path: Path, catalogue: Catalogue, units: list[tuple[Unit, Origin]], problems: Problems) -> dict[str, str]:
    """Key of the owner by code of the part. The file may be missing where no category has `by_asset`."""
    assets: dict[str, str] = {}
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        _needed(path, catalogue)
        return assets
    except UnicodeDecodeError as error:
        problems.append(Problem(shown(path), None, f"is not UTF-8: {error}"))
        return assets
    rows = csv.DictReader(text.splitlines())
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        problems.append(Problem(shown(path), 1, f"column {' and '.join(missing)} is missing; the first line names code and owner"))
        return assets
    keys = [unit.key for unit, _ in units]
    known = frozenset(keys)
    for row in rows:
        code, owner = ((row[name] or "").strip() for name in COLUMNS)
        wrong = f"part {code} stands twice" if code in assets else "a part without code" if not code else None
        if wrong is None and owner not in known:
            wrong = unknown(owner, keys, "unit")
        if wrong is not None:
            problems.append(Problem(shown(path), rows.line_num, wrong))
        assets.setdefault(code, owner)
    return assets


def _needed(path: Path, catalogue: Catalogue) -> None:
    for category, (document, table, number) in catalogue.categories:
        if category.by_asset:
            document.problem(f"{category.key}: by_asset needs {path.name}, which the folder does not have", table, number, "by_asset")

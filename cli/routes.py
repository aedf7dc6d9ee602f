"""`cityloop routes`: the routing table with its hits, what never matched, why a case went where it did, and trials of cases from a file."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import RenderableType

from adapters import reader
from adapters.boundaries import locator
from adapters.bus import Out, Publisher
from adapters.case_files import CaseFiles
from adapters.clock import ClockKind, parse_clock
from cli.output import AsJson, out, say, table
from config.check_routes import MATCHERS
from config.load import city_folder, load_city
from config.load_trials import FILE, Tried, told, try_file
from config.settings import Settings, load_settings
from config.topics import CASE_EVENTS, PRECEDENTS
from incidents.case import Case, Precedent
from incidents.catalogue import City, Frozen, Route
from incidents.errors import TryAgain, UserError
from incidents.events import epoch_ms
from incidents.route_match import unmet

DISPATCHED = b'"city.case.dispatched.v1"'
HEAD_BYTES = 300  # the type stands in the first bytes of a fact: the others need not be parsed

DaysOption = Annotated[int, typer.Option(min=1, help="So many days back, on the city's clock.")]


class Hits(Frozen):
    """How often a row decided, and when last."""

    rule: str
    hits: int
    last: datetime | None


def register(app: typer.Typer) -> None:
    """Adds the group `routes`."""
    group = typer.Typer(help="Who gets a case, by which rule, and why.", no_args_is_help=True)
    group.command("list")(list_routes)
    group.command("unused")(unused)
    group.command("why")(why)
    group.command("test")(test)
    group.command("precedents")(precedents)
    group.command("forget")(forget)
    app.add_typer(group, name="routes")


def list_routes(
    hits: Annotated[bool, typer.Option("--hits", help="Count how often each decided; reads the facts of those days.")] = False,
    days: DaysOption = 30,
    as_json: AsJson = False,
) -> None:
    """List the rows of routes.toml in their order: what each wants and what it decides. Without `--hits` no server is needed.

    Example: `cityloop routes list --hits --days 7`
    """
    settings = load_settings()
    city = load_city(settings)
    counted = {each.rule: each for each in _hits(settings, city, days)} if hits else {}
    rows = [{**_row(route), **({"hits": counted[f"route:{route.key}"].hits} if hits else {})} for route in city.routes]
    head = ["route", "wants", "decides", *(["hits"] if hits else [])]
    out(
        rows,
        as_json,
        lambda found: table(head, ([row["key"], _said(row["wants"]), _said(row["decides"]), row.get("hits")] for row in found)),
    )


def unused(days: DaysOption = 30, as_json: AsJson = False) -> None:
    """List the rows that never decided in this time: a mistake in their matchers, or they may go. Exit code 1 when there are any.

    Counted from the facts `dispatched`, up to now on a real clock, else to the newest of them.

    Example: `cityloop routes unused --days 30`
    """
    settings = load_settings()
    city = load_city(settings)
    found = [each.rule.removeprefix("route:") for each in _hits(settings, city, days) if not each.hits]
    out({"days": days, "unused": found}, as_json, lambda _: "\n".join(found) or f"every row decided within {days} days")
    if found:
        raise typer.Exit(1)


def why(case_id: Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")], as_json: AsJson = False) -> None:
    """Tell why a case was dispatched as it was, and of every row of the table what of it held and what not at that moment.

    Example: `cityloop routes why QD-20261121-14YNDD4W6Y`
    """
    settings = load_settings()
    city = load_city(settings)
    case = CaseFiles(settings, say).load(case_id)
    if case is None:
        raise UserError(f"there is no case {case_id} in {settings.city}; `cityloop case list` names the newest, `--limit 0` all")
    at = case.dispatched_at or case.told_at or case.opened_at
    rows = [{"key": route.key, "unmet": list(unmet(city, route, case, at))} for route in city.routes]
    grounds = case.grounds.model_dump() if case.grounds else None
    answer = {"case_id": case.case_id, "unit": case.unit, "rule": case.route, "at": at, "grounds": grounds, "routes": rows}
    out(answer, as_json, lambda _: _because(city, case, rows))


def test(
    file: Annotated[Path | None, typer.Argument(help=f"Cases in TOML; the city's own {FILE} when not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try the cases of a file against the unit, limit, deadline and escalations that are expected of them. No server is needed.

    Exit code 1 when something is otherwise than expected; each difference is told with file and line.

    Example: `cityloop routes test routes.test.toml`
    """
    settings = load_settings()
    city = load_city(settings)
    path = file or city_folder(settings) / FILE
    if not path.is_file():
        raise UserError(f"no file {path}; docs/routing.md shows one")
    done, problems = try_file(path, city, locator(city, settings))
    answer = {"tried": len(done), "problems": [problem._asdict() for problem in problems], "cases": [_tried(each) for each in done]}
    lines = [*map(str, problems), *(_line(city, each) for each in done), f"{len(done)} tried, {len(problems)} otherwise than expected"]
    out(answer, as_json, lambda _: "\n".join(lines))
    if problems:
        raise typer.Exit(1)


def precedents(as_json: AsJson = False) -> None:
    """List what arbiters decided; routing consults it before every rule, until it is forgotten or decided anew.

    Example: `cityloop routes precedents`
    """
    found = _precedents(load_settings())
    rows = [{"key": key, **each.model_dump(mode="json")} for key, each in sorted(found.items())]
    head = ["key", "unit", "assisting", "case", "by", "at"]
    out(
        rows,
        as_json,
        lambda _: table(head, ([r["key"], r["unit"], " ".join(r["assisting"]), r["case_id"], r["by"], r["at"]] for r in rows)),
    )


def forget(key: Annotated[str, typer.Argument(help="As `cityloop routes precedents` names it: category|district.")]) -> None:
    """Take a precedent back: the table decides again.

    Example: `cityloop routes forget 'street_stall|370214'`
    """
    settings = load_settings()
    known = _precedents(settings)
    if key not in known:
        raise UserError(f"no precedent {key!r}; there are: {', '.join(sorted(known)) or 'none'}")
    asyncio.run(_tombstone(settings, key))
    say(f"{key} is forgotten; it said {known[key].unit}")


async def _tombstone(settings: Settings, key: str) -> None:
    publisher = Publisher(settings.kafka_bootstrap)
    try:
        await publisher.publish([Out(settings.named(PRECEDENTS.name), key.encode(), None)])
    except TryAgain as error:
        raise UserError(f"{error}; nothing was changed") from None
    finally:
        await publisher.close()


def _precedents(settings: Settings) -> dict[str, Precedent]:
    name, found = settings.named(PRECEDENTS.name), dict[str, Precedent]()
    for record in reader.read(settings.kafka_bootstrap, name, reader.spans(settings.kafka_bootstrap, name)):
        key = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = Precedent.model_validate_json(record.value)
    return found


def _hits(settings: Settings, city: City, days: int) -> list[Hits]:
    """Every row of the table with its decisions; a city's clock never runs slower than the real one, so real days cover them."""
    now, back = datetime.now(UTC), timedelta(days=days)
    decided = list(_dispatches(settings, epoch_ms(now - back)))
    until = now if parse_clock(settings.clock).kind is ClockKind.REAL else max((at for at, _ in decided), default=now)
    found: dict[str, list[datetime]] = {f"route:{route.key}": [] for route in city.routes}
    for at, rule in decided:
        for part in rule.split("+"):
            if part in found and until - back <= at <= until:
                found[part].append(at)
    return [Hits(rule=rule, hits=len(moments), last=max(moments, default=None)) for rule, moments in found.items()]


def _dispatches(settings: Settings, from_ms: int) -> Iterator[tuple[datetime, str]]:
    name = settings.named(CASE_EVENTS.name)
    spans = reader.between(settings.kafka_bootstrap, name, from_ms, 1 << 60)
    for record in reader.read(settings.kafka_bootstrap, name, spans):
        if record.value is not None and DISPATCHED in record.value[:HEAD_BYTES]:
            data = orjson.loads(record.value)["data"]
            yield datetime.fromisoformat(data["at"]), data.get("rule") or ""


def _row(route: Route) -> dict[str, Any]:
    said = route.model_dump(mode="json", exclude_defaults=True)
    decides = {name: value for name, value in said.items() if name not in (*MATCHERS, "key", "name")}
    return {
        "key": route.key,
        "name": said.get("name"),
        "wants": {name: said[name] for name in MATCHERS if name in said},
        "decides": decides,
    }


def _said(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {' '.join(value) if isinstance(value, list) else value}" for name, value in values.items())


def _because(city: City, case: Case, rows: list[dict[str, Any]]) -> RenderableType:
    if case.unit is None:
        said = f"{case.case_id} is not dispatched"
    elif case.grounds is None:
        said = f"{case.case_id} → {case.unit}: dispatched by a person"
    else:
        said = f"{case.case_id} → {case.unit}: {case.route}\n  {case.grounds.zh}\n  {case.grounds.en}"
    lines = [f"  {row['key']}: {'; '.join(row['unmet']) or 'holds'}" for row in rows]
    return "\n".join([said, f"the rows of routes.toml as they are now (rules {city.rules}):", *lines])


def _tried(each: Tried) -> dict[str, Any]:
    return {"name": each.trial.name, **each.answer.model_dump(mode="json")}


def _line(city: City, each: Tried) -> str:
    unit, rule, limit, due = (told(city, getattr(each.answer, name)) for name in ("unit", "rule", "limit", "deadline"))
    return f"{each.trial.name}: {unit} by {rule}, {limit}, due {due}"

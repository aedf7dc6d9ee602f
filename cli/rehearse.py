"""`cityloop rehearse`: what would these rules have done with a file of reports? No servers; data on stdout.

`--against` holds two sets of rules against each other, `--deadlines` the city's limits against the targets that the file itself published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from cli.output import AsJson, out, say, table
from cli.rehearsal import Wanted, other_rules, rehearsed
from cli.rehearsal_view import difference_view, view
from config.load import load_city
from config.mappings import load_mapping
from config.settings import Settings, load_settings
from incidents import limits
from incidents.catalogue import City, Frozen
from incidents.errors import MissingYear, UserError
from producers.published import Request, requests
from streams.rehearsal.difference import compared

WITHIN = timedelta(minutes=2)


class Share(Frozen):
    """How many of `n` published targets our rules reproduce within two minutes."""

    within_2_min: int = 0
    n: int = 0


class Compared(Frozen):
    """What `--deadlines` found. A contradiction: closed by its published target, and published as overdue, or the other way round."""

    overall: Share
    types: dict[str, Share]
    on_time_contradictions: int


def register(app: typer.Typer) -> None:
    """Adds `rehearse`."""
    app.command("rehearse")(rehearse)


def rehearse(  # noqa: PLR0913  # a command's options are its parameters
    files: Annotated[list[Path], typer.Argument(help="CSV or JSONL, plain or gzip; JSONL without --mapping: CloudEvents.")],
    mapping: Annotated[str | None, typer.Option(help="Name in config/cities/CITY/mappings/, or the path of a .toml file.")] = None,
    against: Annotated[Path | None, typer.Option(help="Another configuration or city's folder: print what it does otherwise.")] = None,
    until: Annotated[str | None, typer.Option(help="Let the clock run on to this time, with an offset, behind the file's end.")] = None,
    deadlines: Annotated[bool, typer.Option("--deadlines", help="Compare deadlines with the targets that the file published.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what the city's rules would have done with a file of reports; no server is needed.

    Intake, closure, routing, clock and evaluation run in this process, in the order of the file, on a clock that the file's times move.
    Where the mapping's `[published]` names a `closed` column, people act too: verified, filed and accepted at once, handled and closed
    when the file says so. Bad reports are counted by reason. `--against` prints the difference of two sets of rules, cases by id.

    With `--deadlines` instead: per type, and in all, how many of the file's own targets the city's clocks, limits and calendar reproduce
    within two minutes; and how often the file contradicts itself on what was in time. The mapping's `[published]` names the columns.

    Example: `CITYLOOP_CITY=boston cityloop rehearse requests.csv.gz --mapping boston --deadlines`,
    `cityloop rehearse reports.jsonl.gz --against ../other/config --until 2026-11-23T08:00+08:00`
    """
    settings = load_settings()
    if deadlines:
        out(_deadlines(settings, files, mapping), as_json, _render)
        return
    wanted = Wanted(files, mapping, _moment(until))
    city = load_city(settings)
    if against is None:
        _, found = rehearsed(settings, wanted)
        out(found, as_json, lambda answer: view(answer, city))
        return
    other = other_rules(settings, against)
    difference = compared(rehearsed(settings, wanted), rehearsed(other, wanted))
    out(difference, as_json, lambda answer: difference_view(answer, city))


def _moment(text: str | None) -> datetime | None:
    try:
        at = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        at = None
    if text is not None and (at is None or at.tzinfo is None):
        raise UserError(f"--until {text!r} is no time with an offset; write it like 2026-12-01T00:00+08:00")
    return at


def _deadlines(settings: Settings, files: Sequence[Path], mapping: str | None) -> Compared:
    if mapping is None:
        raise UserError("rehearse --deadlines needs --mapping NAME: its [published] names the file's columns of targets")
    city, layout = load_city(settings), load_mapping(mapping, settings.config_dir, settings.city)
    return compare(city, chain.from_iterable(requests(file, layout, city.code) for file in files))


def compare(city: City, found: Iterable[Request]) -> Compared:
    """The city's deadlines against the published ones; an unknown category, or a year that the calendar lacks, is a miss, and told."""
    within, n, told, contradictions = Counter[str](), Counter[str](), Counter[str](), 0
    for request in found:
        n[request.label] += 1
        within[request.label] += (due := _due(city, request, told)) is not None and abs(due - request.target) <= WITHIN
        if request.closed is not None and request.kept is not None:
            contradictions += (request.closed <= request.target) is not request.kept
    for problem, count in told.items():
        say(f"{count} requests without a deadline: {problem}")
    types = {label: Share(within_2_min=within[label], n=count) for label, count in n.most_common()}
    return Compared(
        overall=Share(within_2_min=within.total(), n=n.total()),
        types=types,
        on_time_contradictions=contradictions,
    )


def _due(city: City, request: Request, told: Counter[str]) -> datetime | None:
    category = city.catalogue.get(request.category)
    if category is None:
        told[f"unknown category {request.category!r}"] += 1
        return None
    keys = {row.key for row in category.conditions}
    row = category.condition(request.condition if request.condition in keys else None)
    try:
        return limits.due(city.worktime, limits.begun(city, row, request.opened))
    except MissingYear as missing:
        told[str(missing)] += 1
        return None


def _render(found: Compared) -> RenderableType:
    return table(["type", "n", "within 2 min", "share"], _rows(found))


def _rows(found: Compared) -> Iterator[list[object]]:
    for label, share in [*found.types.items(), ("all", found.overall)]:
        yield [label, share.n, share.within_2_min, f"{share.within_2_min / share.n:.2%}" if share.n else None]
    yield ["on time, contradicted", None, found.on_time_contradictions, None]

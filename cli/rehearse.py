"""`cityloop rehearse`: what would these rules have done with a file of reports? No servers; data on stdout.

`--deadlines` holds the city's limits against the targets that the file itself published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from cli.output import AsJson, out, say, table
from config.load import load_city
from config.mappings import load_mapping
from config.settings import load_settings
from incidents import limits
from incidents.catalogue import City, Frozen
from incidents.errors import MissingYear, UserError
from producers.published import Request, requests

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


def rehearse(
    files: Annotated[list[Path], typer.Argument(help="CSV or JSONL, plain or gzip.")],
    mapping: Annotated[str | None, typer.Option(help="Name in config/cities/<city>/mappings/, or the path of a .toml file.")] = None,
    deadlines: Annotated[bool, typer.Option("--deadlines", help="Compare deadlines with the targets that the file published.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what the city's rules would have done with a file; no server is needed.

    With `--deadlines`: per type, and in all, how many of the file's own targets the city's clocks, limits and calendar reproduce within two
    minutes; and how often the file contradicts itself on what was in time. The mapping's `[published]` names the columns.

    Example: `CITYLOOP_CITY=boston cityloop rehearse requests.csv.gz --mapping boston --deadlines`
    """
    if not deadlines or mapping is None:
        raise UserError("rehearse compares deadlines: give --deadlines and --mapping NAME")
    settings = load_settings()
    city, layout = load_city(settings), load_mapping(mapping, settings.config_dir, settings.city)
    found = compare(city, chain.from_iterable(requests(file, layout, city.code) for file in files))
    out(found, as_json, _render)


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

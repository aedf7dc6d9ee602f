"""`cityloop bulletin 2026-11 --out DIR`: the monthly evaluation bulletin, as a page that prints and as a table of every series."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.evaluation_store import evaluation_file, read_only
from cli import words
from cli.evaluated import AsOf, Evaluated, evaluated, moment
from cli.output import AsJson, out
from config.load import load_city
from config.load_indicators import load_evaluation
from config.settings import Settings, load_settings
from incidents.catalogue import City, Named
from incidents.errors import UserError
from incidents.events import epoch_ms
from incidents.indicators import NOBODY, Dimension, Evaluation, Figure, Indicator, Share, Tally, figures, share
from incidents.periods import ALL, Days, Period
from incidents.periods import period as named_period
from incidents.ranking import name_of, rank

TEMPLATES = Path(__file__).parent / "templates"
HEADLINES = ("reports", "filing_rate", "dispatch_rate", "on_time_handling_rate", "closure_rate", "on_time_closure_rate", "rework_rate")
COLUMNS = ("reports", "filing_rate", "dispatch_rate", "due", "on_time_handling_rate", "closure_rate", "on_time_closure_rate", "rework_rate")
SECTIONS = (Dimension.DISTRICT, Dimension.CATEGORY, Dimension.CHANNEL, Dimension.LEVEL)
TITLES = {
    Dimension.DISTRICT: Named(zh="各区市", en="Districts"),
    Dimension.CATEGORY: Named(zh="问题类别（前二十）", en="Categories (first twenty)"),
    Dimension.CHANNEL: Named(zh="信息来源", en="Channels"),
    Dimension.LEVEL: Named(zh="管理层级", en="Levels"),
}
MOST_ROWS = 20
CSV_HEAD = (
    "period", "dimension", "value", "name_zh", "name_en", "indicator", "indicator_zh", "indicator_en", "post", "rule",
    "numerator", "denominator", "rate", "adjusted_numerator", "adjusted_denominator", "adjusted_rate", "as_of", "rules",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Adds `bulletin`."""
    app.command("bulletin")(bulletin)


def bulletin(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A month 2026-11; also a week 2026-W47 or a day.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for bulletin-PERIOD.html and .csv; made when it is not there.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write a period's bulletin: a page in Chinese and English that prints, and a CSV of every live series.

    Once the period is over it is counted from the facts as of its last moment, unless `--as-of` says another; before, from what is kept.

    Example: `cityloop bulletin 2026-11 --out bulletins`
    """
    settings = load_settings()
    city, evaluation, chosen = load_city(settings), load_evaluation(settings), named_period(period)
    if chosen == ALL:
        raise UserError("a bulletin is of a month, a week or a day: write 2026-11")
    with _source(settings, city, chosen, as_of) as source:
        edition = Edition(city, evaluation, chosen, source, source.tally(chosen), source.tally(chosen.before(), (Dimension.CITY,)))
        written = write(edition, folder)
    out({name: str(path) for name, path in written.items()}, as_json, lambda found: "\n".join(found.values()))


@contextmanager
def _source(settings: Settings, city: City, period: Period, as_of: str | None) -> Iterator[Evaluated]:
    chosen = moment(as_of) or (_end(settings, city, period) if evaluation_file(settings).is_file() else None)
    with evaluated(settings, city, chosen) as source:
        yield source


def _end(settings: Settings, city: City, period: Period) -> datetime | None:
    """The last moment of a period that is over; None while it lasts."""
    end = Days(city.time_zone).begins(period.last + 1) - timedelta(milliseconds=1)
    with read_only(settings, city) as sheets:
        return end if sheets.told_ms() > epoch_ms(end) else None


@dataclass(frozen=True)
class Edition:
    """Everything that one bulletin is made of."""

    city: City
    evaluation: Evaluation
    period: Period
    source: Evaluated
    counts: Tally
    before: Tally

    @property
    def as_of(self) -> str:
        """On the city's wall clock."""
        at = datetime.fromtimestamp(self.source.at_ms / 1000, UTC).astimezone(ZoneInfo(self.city.time_zone))
        return at.strftime("%Y-%m-%d %H:%M:%S %z")

    def figures(self, dimension: Dimension) -> Iterator[Figure]:
        """Every live figure of a dimension."""
        return (each for each in figures(self.evaluation.indicators, self.counts, dimension) if each.is_live)

    def share(self, row: Indicator, dimension: Dimension, value: str) -> Share:
        """One figure, raw; nothing of nothing where there is no case."""
        return share(row, self.counts[row.by, dimension].get(value, {}))[0]

    def rows(self, keys: Sequence[str]) -> list[Indicator]:
        """Those of these indicators that the city has, in this order."""
        return [self.evaluation.by_key[key] for key in keys if key in self.evaluation.by_key]


def write(edition: Edition, folder: Path) -> dict[str, Path]:
    """Both files. Raises UserError when the folder cannot be written."""
    paths = {kind: folder / f"bulletin-{edition.period.text}.{kind}" for kind in ("html", "csv")}
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths["html"].write_text(environment.get_template("bulletin.html").render(page(edition)), "utf-8")
        with paths["csv"].open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(CSV_HEAD)
            writer.writerows(_series(edition))
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; give --out a folder of yours") from None
    return paths


def page(edition: Edition) -> dict[str, Any]:
    """What the template shows."""
    everything = [row for row in edition.evaluation.indicators if row.post is None]
    return {
        "edition": edition,
        "headlines": [_headline(edition, row) for row in edition.rows(HEADLINES)],
        "days": _days(edition),
        "columns": edition.rows(COLUMNS),
        "sections": [{"title": TITLES[dimension], "rows": _section(edition, dimension)} for dimension in SECTIONS],
        "units": rank(edition.city, edition.evaluation, edition.counts),
        "parts": [(part, edition.evaluation.by_key[part.indicator]) for part in edition.evaluation.score],
        "posts": [(row, words.both("role", row.post), shown(_city(edition, row))) for row in edition.evaluation.indicators if row.post],
        "all": [(row, *(shown(each) for each in share(row, edition.counts[row.by, Dimension.CITY].get("all", {})))) for row in everything],
        "rules": edition.evaluation.indicators,
        "points": lambda points: "–" if points is None else f"{points:.2f}",
        "counts_of": lambda part: f"{part['numerator']:,} / {part['denominator']:,}",
    }


def shown(found: Share) -> dict[str, str]:
    """A figure for people: the rate with its counts beside it, or the count."""
    if found.denominator is None:
        return {"value": f"{found.numerator:,}", "counts": ""}
    rate = "–" if found.rate is None else f"{found.rate:.2%}"
    return {"value": rate, "counts": f"{found.numerator:,} / {found.denominator:,}"}


def _city(edition: Edition, row: Indicator) -> Share:
    return edition.share(row, Dimension.CITY, "all")


def _headline(edition: Edition, row: Indicator) -> dict[str, Any]:
    now, before = _city(edition, row), share(row, edition.before[row.by, Dimension.CITY].get("all", {}))[0]
    return {"name": row.name, **shown(now), "change": _change(now, before)}


def _change(now: Share, before: Share) -> str:
    """Against the period before: percentage points of a rate, percent of a count; empty where there is nothing to compare."""
    if now.denominator is None:
        return f"{now.numerator / before.numerator - 1:+.1%}" if before.numerator else ""
    if now.rate is None or before.rate is None:
        return ""
    return f"{(now.rate - before.rate) * 100:+.2f} pp"


def _section(edition: Edition, dimension: Dimension) -> list[dict[str, Any]]:
    """The values with the most reports first."""
    columns = edition.rows(COLUMNS)
    values = {value for row in columns for value in edition.counts[row.by, dimension] if value != NOBODY}
    ranked = sorted(values, key=lambda value: (-edition.share(columns[0], dimension, value).numerator, value))
    return [
        {"name": _called(edition.city, dimension, value), "cells": [shown(edition.share(row, dimension, value)) for row in columns]}
        for value in ranked[:MOST_ROWS]
    ]


def _called(city: City, dimension: Dimension, value: str) -> Mapping[str, str]:
    name = name_of(city, dimension, value)
    return {"zh": name.zh, "en": name.en} if name else {"zh": words.both(dimension.value, value), "en": ""}


def _days(edition: Edition) -> list[dict[str, Any]]:
    """Per day of the period: cases reported, and those that came to be closed; heights as shares of the highest."""
    reported, due = edition.evaluation.indicators[0], edition.evaluation.by_key.get("due")
    found: list[dict[str, Any]] = []
    for day in range(edition.period.first, edition.period.last + 1):
        figure = [edition.share(row, Dimension.DAY, str(day)).numerator if row else 0 for row in (reported, due)]
        found.append({"day": date.fromordinal(day), "reported": figure[0], "due": figure[1]})
    most = max((max(each["reported"], each["due"]) for each in found), default=0) or 1
    return [{**each, "reported_height": each["reported"] / most, "due_height": each["due"] / most} for each in found]


def _series(edition: Edition) -> Iterator[tuple[Any, ...]]:
    for dimension in Dimension:
        for each in edition.figures(dimension):
            name, row = name_of(edition.city, dimension, each.value), each.indicator
            value = date.fromordinal(int(each.value)).isoformat() if dimension is Dimension.DAY else each.value
            yield (
                *(edition.period.text, dimension, value, name.zh if name else "", name.en if name else ""),
                *(row.key, row.name.zh, row.name.en, row.post or "", row.rule),
                *(part for found in (each.raw, each.adjusted) for part in (found.numerator, found.denominator, _rounded(found.rate))),
                *(edition.as_of, edition.evaluation.rules),
            )


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 6)

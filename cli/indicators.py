"""`cityloop indicators`: the figures of a city, the rules behind them, and their recomputation from the facts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from adapters.evaluation_store import read_only
from adapters.recount import recount
from cli import words
from cli.evaluated import AsOf, Evaluated, PeriodOption, asked_period, evaluated, moment
from cli.output import AsJson, out, say, table
from cli.stat_info import write_records
from config.load import load_city
from config.load_indicators import load_evaluation
from config.settings import Settings, load_settings
from incidents.audit import Span
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.flags import FLAGS
from incidents.indicators import Anchor, Dimension, Evaluation, Figure, Indicator, Tally, figures, tally
from incidents.periods import ALL, Period
from incidents.ranking import name_of, rank

POST = "post"
BY = [*(dimension.value for dimension in Dimension), POST, "everything"]
DIFFERENCES_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Adds the group `indicators`."""
    group = typer.Typer(help="Figures of the evaluation, their rules, and their recomputation.", no_args_is_help=True)
    group.command("show")(show)
    group.command("scores")(scores)
    group.command("rules")(rules)
    group.command("flags")(flags)
    group.command("check")(check)
    group.command("export")(export)
    app.add_typer(group, name="indicators")


def show(
    by: Annotated[str, typer.Option("--by", help=f"Broken down by: {', '.join(BY)}.")] = "city",
    period: PeriodOption = None,
    indicator: Annotated[list[str] | None, typer.Option("--indicator", help="Only this one, by key; may be repeated.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show the indicators of a period, each with its counts and rule, raw and adjusted by upheld appeals.

    Without `--as-of` they are read from what the worker keeps, as of its newest fact; with it they are recomputed from `cases.events`.

    Example: `cityloop indicators show --by district --period 2026-11 --json`, `cityloop indicators show --as-of 2026-12-01T00:00+08:00`
    """
    settings, city, evaluation = _open()
    if by not in BY:
        raise UserError(f"--by {by}: no such dimension; there are {', '.join(BY)}")
    rows = _rows(evaluation, indicator, by)
    dimensions = tuple(Dimension) if by == "everything" else (Dimension.CITY if by == POST else Dimension(by),)
    with evaluated(settings, city, moment(as_of)) as source:
        chosen = asked_period(period, city, source.at_ms)
        counts = source.tally(chosen, dimensions)
        found = [each for dimension in dimensions for each in figures(rows, counts, dimension)]
        out(
            {**_head(city, evaluation, chosen, source), "live": sum(each.is_live for each in found), "figures": _dicts(city, found)},
            as_json,
            lambda answer: _render(answer, rows),
        )


def scores(period: PeriodOption = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Rank the units of a period by their scores, raw and adjusted, with the counts behind them.

    Example: `cityloop indicators scores --period 2026-11`
    """
    settings, city, evaluation = _open()
    with evaluated(settings, city, moment(as_of)) as source:
        chosen = asked_period(period, city, source.at_ms)
        ranking = rank(city, evaluation, source.tally(chosen, (Dimension.UNIT,)))
        answer = {**_head(city, evaluation, chosen, source), "parts": [part.model_dump() for part in evaluation.score], "units": ranking}
        out(answer, as_json, lambda found: table(SCORE_HEAD, map(_score_row, found["units"])))


def rules(as_json: AsJson = False) -> None:
    """List the indicators with the rule of each: numerator, denominator, and the day on which a case counts.

    Example: `cityloop indicators rules --json | jq -r '.indicators[] | .key + " = " + .rule'`
    """
    _, city, evaluation = _open()
    rows: list[dict[str, Any]] = [
        {**row.model_dump(mode="json", include={"key", "by", "post", "dimensions"}), "name": row.name.model_dump(), "rule": row.rule}
        for row in evaluation.indicators
    ]
    score = [part.model_dump() for part in evaluation.score]
    answer: dict[str, Any] = {"city": city.key, "rules": evaluation.rules, "indicators": rows, "score": score}
    lines = [(row["key"], _both(row["name"]), row["rule"], row["by"], row["post"]) for row in rows]
    out(answer, as_json, lambda _: table(("indicator", "", "rule", "by", "post"), lines))


def flags(as_json: AsJson = False) -> None:
    """List the flags of a case that indicators count, with the meaning of each.

    Example: `cityloop indicators flags`
    """
    rows: list[dict[str, Any]] = [{"key": flag.key, "name": flag.name.model_dump(), "means": flag.means} for flag in FLAGS]
    out(rows, as_json, lambda found: table(("flag", "", "means"), ((r["key"], _both(r["name"]), r["means"]) for r in found)))


def check(as_json: AsJson = False) -> None:
    """Recompute every figure from the facts that the worker has folded in, and compare: exit code 0 when all are equal, 1 otherwise.

    Example: `cityloop indicators check`
    """
    settings, city, evaluation = _open()
    with read_only(settings, city) as sheets:
        spans = {partition: Span(0, offset) for partition, offset in sheets.read_to().items()}
        at_ms = sheets.told_ms()
        kept = sheets.tally(ALL, at_ms)
    counted = recount(settings, city, at_ms, spans)
    again = tally(counted.lines, ALL, at_ms)
    series = sum(each.is_live for dimension in Dimension for each in figures(evaluation.indicators, again, dimension))
    different = [f"{anchor} by {by} {value}" for anchor, by, value in differences(kept, again)]
    answer = {"equal": not different, "cases": len(counted.lines), "facts": counted.facts, "series": series, "different": different}
    out(answer, as_json, _compared)
    if different:
        raise typer.Exit(1)


def export(
    stat_info: Annotated[Path, typer.Option("--stat-info", help="The file to write, .csv or .jsonl, one statistics record per case.")],
    period: PeriodOption = None,
    as_of: AsOf = None,
) -> None:
    """Write one statistics record per case, with the field names that evaluation systems in use exchange. People's words stay out.

    Example: `cityloop indicators export --stat-info cases.csv --period 2026-11`
    """
    settings, city, _ = _open()
    with evaluated(settings, city, moment(as_of), by_case=True) as source:
        chosen = asked_period(period, city, source.at_ms)
        written = write_records(stat_info, city, source, chosen)
    say(f"{written:,} cases of {chosen.text} written to {stat_info}")


def differences(one: Tally, other: Tally) -> list[tuple[Anchor, Dimension, str]]:
    """Where two tallies differ."""
    places = sorted({(*key, value) for counts in (one, other) for key, values in counts.items() for value in values})
    empty: Counter[int] = Counter()
    return [
        (anchor, dimension, value)
        for anchor, dimension, value in places
        if one[anchor, dimension].get(value, empty) != other[anchor, dimension].get(value, empty)
    ]


SCORE_HEAD = ("unit", "", "score 得分", "adjusted 申诉后", "on time 按时处置", "closed 结案", "rework 返工")


def _score_row(unit: Mapping[str, Any]) -> list[Any]:
    shares = [f"{part['numerator']:,}/{part['denominator']:,}" for part in unit["parts"].values()]
    return [unit["unit"], _both(unit["name"]), _points(unit["raw"]), _points(unit["adjusted"]), *shares]


def _points(points: float | None) -> str | None:
    return None if points is None else f"{points:.2f}"


def _open() -> tuple[Settings, City, Evaluation]:
    settings = load_settings()
    return settings, load_city(settings), load_evaluation(settings)


def _rows(evaluation: Evaluation, wanted: Sequence[str] | None, by: str) -> list[Indicator]:
    for key in wanted or ():
        if key not in evaluation.by_key:
            raise UserError(f"no indicator {key!r}; `cityloop indicators rules` lists them")
    return [row for row in evaluation.indicators if (not wanted or row.key in wanted) and (by != POST or row.post)]


def _head(city: City, evaluation: Evaluation, period: Period, source: Evaluated) -> dict[str, Any]:
    at = datetime.fromtimestamp(source.at_ms / 1000, UTC)
    return {"city": city.key, "period": period.text, "as_of": at, "source": source.source, "rules": evaluation.rules}


def _dicts(city: City, found: Sequence[Figure]) -> list[dict[str, Any]]:
    rows = []
    for each in found:
        name = name_of(city, each.dimension, each.value)
        rows.append({**each.as_dict(), "name": name.model_dump() if name else None})
    return rows


def _render(answer: Mapping[str, Any], rows: Sequence[Indicator]) -> RenderableType:
    names = {row.key: f"{row.name.zh} {row.name.en}" for row in rows}
    say(f"{answer['period']}, as of {answer['as_of']:%Y-%m-%d %H:%M:%S} UTC, {answer['source']}; rules {answer['rules']}")
    head = ("", "indicator 指标", "rate 比率", "counts 数量", "adjusted 申诉后", "rule 规则")
    return table(head, (_figure_row(each, names) for each in answer["figures"]))


def _figure_row(each: Mapping[str, Any], names: Mapping[str, str]) -> list[Any]:
    where = _both(each["name"]) if each["name"] else words.both(each["dimension"], each["value"])
    below = "" if each["denominator"] is None else f"/{each['denominator']:,}"
    post = f" ({words.both('role', each['post'])})" if each["post"] else ""
    counts = f"{each['numerator']:,}{below}"
    return [where, names[each["indicator"]] + post, _percent(each["rate"]), counts, _percent(each["adjusted_rate"]), each["rule"]]


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.2%}"


def _both(name: Mapping[str, str]) -> str:
    return " ".join(dict.fromkeys(name.values()))


def _compared(answer: Mapping[str, Any]) -> str:
    if answer["equal"]:
        return f"相符 equal: {answer['series']:,} series over {answer['cases']:,} cases, {answer['facts']:,} facts recomputed"
    shown = "\n".join(answer["different"][:DIFFERENCES_SHOWN])
    return f"不符 NOT equal in {len(answer['different']):,} places:\n{shown}"

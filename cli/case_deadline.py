"""`cityloop case deadline`: how a case's deadline came about, interval by interval."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from adapters.case_files import CaseFiles
from cli import words
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.settings import load_settings
from incidents.catalogue import ClockKind
from incidents.deadline_story import DeadlineStory, Span, explain
from incidents.errors import UserError
from incidents.limits import Clock


def deadline(
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="The case's id, e.g. QD-20261121-14YNDD4W6Y.")],
    as_json: AsJson = False,
) -> None:
    """Explain a case's deadline interval by interval: what counted, and why the rest did not.

    Lunch, nights, weekends, holidays by name and suspensions do not count on the clocks of working time. Exit code 1 while no limit runs.

    Example: `cityloop case deadline QD-20261121-14YNDD4W6Y`
    """
    settings = load_settings()
    city, case = load_city(settings), CaseFiles(settings, say).load(case_id)
    if case is None:
        raise UserError(f"there is no case {case_id} in {settings.city}; `cityloop case list` names the newest, `--limit 0` all")
    story = explain(city, case)
    if story is None:
        say(f"{case_id} is {words.both('state', case.state)}: no limit runs before a case is filed")
        raise typer.Exit(1)
    out(story, as_json, render)


def render(story: DeadlineStory) -> RenderableType:
    """The story for people, Chinese and English side by side."""
    about = table(["", ""], _about(story))
    head = ["起 from", "止 until", "计时 counts", "缘由 why", "累计 total"]
    return Group(about, Text(), table(head, (_row(story, span) for span in story.spans)))


def _about(story: DeadlineStory) -> list[tuple[str, str]]:
    clock, zone = story.clock, story.zone
    lines = [
        ("案件 case", f"{story.case_id}: {words.both('state', story.state)}"),
        ("时限 limit", f"{_limit(clock)}, grade {clock.grade}"),
        ("起算 begins", f"{words.moment(clock.began_at, zone)} {zone} (rules {clock.rules}, calendar {clock.calendar or '–'})"),
        ("延期 extensions", str(story.extensions)),
        *(("挂账 pause", f"{words.moment(pause.begins, zone)} … {words.moment(pause.ends, zone)}") for pause in story.pauses),
        ("期限 due", f"{words.moment(story.due_at, zone)}{' 超期 overdue' if story.overdue else ''}"),
    ]
    if story.recomputed_at != story.due_at:
        changed = f"{words.moment(story.recomputed_at, zone)} by today's rules; the deadline taken over when it was filed holds"
        lines.append(("重算 counted now", changed))
    return lines


def _limit(clock: Clock) -> str:
    limit = f"{clock.limit:g} {words.both('clock', clock.kind)}"
    return f"{limit}, {words.both('ends', clock.ends)}" if clock.kind is ClockKind.WORK_DAY else limit


def _row(story: DeadlineStory, span: Span) -> list[str | None]:
    why = words.both("why", span.why)
    return [
        words.moment(span.begins, story.zone),
        words.moment(span.ends, story.zone),
        "✓" if span.counted else "–",
        f"{why}: {words.named(span.name, None)}" if span.name else why,
        _hours(span.total_s) if span.counted else None,
    ]


def _hours(seconds: float) -> str:
    """Hours, minutes and, where there are any, seconds.

    >>> _hours(15300), _hours(61.5)
    ('4:15', '0:01:01.500000')
    """
    whole, rest = divmod(timedelta(seconds=seconds), timedelta(minutes=1))
    text = f"{whole // 60}:{whole % 60:02d}"
    return f"{text}:{str(rest).split(':')[2]}" if rest else text

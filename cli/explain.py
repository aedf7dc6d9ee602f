"""`cityloop explain SOURCE ID`: why did this report end up where it did?"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from adapters import reader, reported
from adapters.case_files import CaseFiles
from adapters.clock import ClockKind, parse_clock
from adapters.reader import Record
from adapters.reported import Head, Judged
from cli import words
from cli.output import AsJson, out, say
from config.load import load_city
from config.settings import Settings, load_settings
from config.topics import REPORTED
from incidents.audit import Span
from incidents.errors import UserError
from incidents.events import epoch_ms

AROUND = timedelta(hours=1)
SAY_EVERY_S = 2.0


def register(app: typer.Typer) -> None:
    """Adds `explain`."""
    app.command("explain")(explain)


def explain(
    source: Annotated[str, typer.Argument(help="The report's `source`, e.g. /cameras/37020200012.")],
    report_id: Annotated[str, typer.Argument(metavar="ID", help="The report's `id`.")],
    around: Annotated[
        str | None, typer.Option(help="Its time with an offset: search an hour around it (quick); else the whole log is read.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what became of a report, with the rule that decided and its numbers; exit code 1 when there is no such report.

    Every record with this source and id is told, so a report that was sent twice is seen twice.

    Example: `cityloop explain /cameras/37020200012 6f0c --around 2026-11-21T08:15+08:00`
    """
    settings = load_settings()
    zone = load_city(settings).time_zone
    found = _find(settings, source, report_id, around)
    topic_id = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id
    stories = [_story(settings, record, head, reported.fate_of(settings, topic_id, record)) for record, head in found]
    out(stories, as_json, lambda told: "\n\n".join(_render(each, zone) for each in told) or f"no report {report_id} of {source} on the log")
    if not stories:
        raise typer.Exit(1)


def _find(settings: Settings, source: str, report_id: str, around: str | None) -> list[tuple[Record, Head]]:
    wanted = _spans(settings, around)
    found = _matching(settings, wanted, source, report_id)
    if around and not found:
        say(f"not within {AROUND} of {around}; reading the whole log")
        found = _matching(settings, _spans(settings, None), source, report_id)
    return found


def _matching(settings: Settings, spans: dict[int, Span], source: str, report_id: str) -> list[tuple[Record, Head]]:
    progress = _progress(sum(span.end - span.begin for span in spans.values()))
    reports = reported.reports(settings, spans, progress)
    return [(record, head) for record, head in reports if head.id == report_id and head.source == source]


def _spans(settings: Settings, around: str | None) -> dict[int, Span]:
    """Records carry the machine's time; only where the city's clock is the machine's does a report's time say where it stands."""
    topic = settings.named(REPORTED.name)
    if around is None:
        return reader.spans(settings.kafka_bootstrap, topic)
    at = _time(around)
    if parse_clock(settings.clock).kind is not ClockKind.REAL:
        say(f"the city runs by the clock {settings.clock}, so --around does not say where on the log; reading all of it")
        return reader.spans(settings.kafka_bootstrap, topic)
    return reader.between(settings.kafka_bootstrap, topic, epoch_ms(at - AROUND), epoch_ms(at + AROUND))


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UserError(f"--around {text!r} is no time with an offset; write it like 2026-11-21T08:15+08:00")
    return at


def _progress(total: int) -> Callable[[int], None]:
    done, said_at = 0, time.monotonic()

    def progress(count: int) -> None:
        nonlocal done, said_at
        done += count
        if time.monotonic() - said_at >= SAY_EVERY_S:
            said_at = time.monotonic()
            say(f"reading reports: {done:,} of {total:,} …")

    return progress


def _story(settings: Settings, record: Record, head: Head, judged: Judged | None) -> dict[str, Any]:
    case = CaseFiles(settings, say).load(judged.case_id) if judged and judged.case_id else None
    return {
        "source": head.source,
        "id": head.id,
        "time": head.time,
        "category": head.category,
        "channel": head.channel,
        "partition": record.partition,
        "offset": record.offset,
        "verdict": judged.verdict if judged else None,
        "reason": judged.reason if judged else None,
        "rules": judged.rules if judged else None,
        "case_id": judged.case_id if judged else None,
        "case_state": case.state if case else None,
        "merged_into": case.merged_into if case else None,
    }


def _render(story: dict[str, Any], zone: str) -> str:
    head = f"{story['source']} {story['id']}: {story['category']} by {story['channel']}, {_shown(story['time'], zone)}"
    place = f"  stands on the log at {story['partition']}:{story['offset']}"
    if story["verdict"] is None:
        return f"{head}\n{place}\n  nothing was decided yet; is a worker running? (`cityloop status`)"
    verdict = f"  {words.both('figure', story['verdict'])}: {story['reason']} (rules {story['rules']})"
    lines = [head, place, verdict]
    if story["case_id"]:
        lines.append(f"  case {story['case_id']} is {words.both('state', story['case_state'] or 'forgotten')}")
        lines.append(f"  more: cityloop case show {story['case_id']} --reports")
    elif story["verdict"] in ("rejected", "failed"):
        lines.append(f"  more: cityloop deadletters list --reason {story['reason']}")
    if story["merged_into"]:
        lines.append(f"  that case was merged into {story['merged_into']}")
    return "\n".join(lines)


def _shown(text: str, zone: str) -> str:
    try:
        return words.moment(text, zone) or text
    except ValueError:
        return text

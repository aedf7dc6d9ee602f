"""`cityloop explain SOURCE ID`: why did this report end up where it did?"""

from datetime import datetime
from typing import Annotated, Any

import typer

from adapters import reader, reported
from adapters.case_files import CaseFiles
from adapters.reader import Record
from adapters.report_search import Search
from adapters.reported import Head, Judged
from adapters.told_reports import story
from cli import words
from cli.output import AsJson, out, say
from cli.told_reports import numbers, progressing
from config.load import load_city
from config.settings import Settings, load_settings
from config.topics import REPORTED
from incidents.errors import UserError


def register(app: typer.Typer) -> None:
    """Adds `explain`."""
    app.command("explain")(explain)


def explain(
    source: Annotated[str, typer.Argument(help="The report's `source`, e.g. /cameras/37020200012.")],
    report_id: Annotated[str, typer.Argument(metavar="ID", help="The report's `id`.")],
    around: Annotated[
        str | None, typer.Option(help="Its time with an offset: search an hour around it (quick); else the newest first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what became of a report, with the rule that decided and its numbers; exit code 1 when there is no such report.

    Every record with this source and id is told, so a report that was sent again within an hour is seen twice. Looked for in the partition
    that the source's key leads to, then in the others; without `--around` from the newest back, which takes long where a week is kept.

    Example: `cityloop explain /cameras/37020200012 6f0c --around 2026-11-21T08:15+08:00`
    """
    settings = load_settings()
    zone = load_city(settings).time_zone
    found = Search(settings, say, progressing).report(source, report_id, _time(around) if around else None)
    topic_id = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id if found else ""
    stories = [_story(settings, record, head, reported.fate_of(settings, topic_id, record)) for record, head in found]
    out(stories, as_json, lambda told: "\n\n".join(_render(each, zone) for each in told) or f"no report {report_id} of {source} on the log")
    if not stories:
        raise typer.Exit(1)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UserError(f"--around {text!r} is no time with an offset; write it like 2026-11-21T08:15+08:00")
    return at


def _story(settings: Settings, record: Record, head: Head, judged: Judged | None) -> dict[str, Any]:
    case = CaseFiles(settings, say).load(judged.case_id) if judged and judged.case_id else None
    about = {"case_state": case.state if case else None, "merged_into": case.merged_into if case else None}
    return story(settings, record, head, judged) | about


def _render(story: dict[str, Any], zone: str) -> str:
    head = f"{story['source']} {story['id']}: {story['category']} by {story['channel']}, {_shown(story['time'], zone)}"
    place = f"  stands on the log at {story['topic']} {story['partition']}:{story['offset']}, appended {_shown(story['appended_at'], zone)}"
    if story["verdict"] is None:
        return f"{head}\n{place}\n  尚未判定 nothing was decided yet; is a worker running? (`cityloop status`)"
    lines = [head, place, f"  {words.both('figure', story['verdict'])}: {story['reason']} (rules {story['rules']})"]
    lines += [f"  {line}" for line in (numbers(story),) if line]
    if story["case_id"]:
        lines.append(f"  案件 case {story['case_id']}: {words.both('state', story['case_state'] or 'forgotten')}")
        lines.append(f"  more: cityloop case show {story['case_id']} --reports")
    elif story["verdict"] in ("rejected", "failed"):
        lines.append(f"  more: cityloop deadletters list --reason {story['reason']}")
    if story["merged_into"]:
        lines.append(f"  已并入 that case was merged into {story['merged_into']}")
    return "\n".join(lines)


def _shown(text: str, zone: str) -> str:
    try:
        return words.moment(text, zone) or text
    except ValueError:
        return text

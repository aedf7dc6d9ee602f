"""`cityloop deadletters list|show|resubmit`: what could not be used, why, and how to send it once more."""

import base64
from collections import Counter
from typing import Annotated, Any

import typer

from adapters import case_files, reader
from adapters.reader import Record
from cli.output import AsJson, out, say, table
from config.settings import Settings, load_settings
from config.topics import CASE_COMMANDS, REJECTED, REPORTED
from incidents.errors import RejectReason, UserError

HEADERS = ("error-reason", "error-detail", "error-stage", "origin-topic", "origin-partition", "origin-offset")
DETAIL_SHOWN = 90

Place = Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Where the dead letter stands, as `deadletters list` says.")]


def register(app: typer.Typer) -> None:
    """Adds the group `deadletters`."""
    group = typer.Typer(help="Look at reports and commands that could not be used, and send them again.", no_args_is_help=True)
    group.command("list")(list_letters)
    group.command("show")(show)
    group.command("resubmit")(resubmit)
    app.add_typer(group, name="deadletters")


def list_letters(
    reason: Annotated[RejectReason | None, typer.Option(help="Only those rejected for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0 means all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters with place and reason, oldest first. Contents are not shown: they may hold personal data.

    Example: `cityloop deadletters list --reason unknown_category`
    """
    settings = load_settings()
    topic = settings.named(REJECTED.name)
    found = reader.read(settings.kafka_bootstrap, topic, reader.spans(settings.kafka_bootstrap, topic))
    letters = [(record.timestamp_ms, _summary(record)) for record in found if reason in (None, record.header("error-reason"))]
    letters.sort(key=lambda letter: letter[0])
    chosen = [summary for _, summary in letters[-limit:]] if limit else [summary for _, summary in letters]
    reasons = Counter(str(summary["error-reason"]) for _, summary in letters)
    out(chosen, as_json, lambda rows: table(["at", "reason", "stage", "from", "bytes", "detail"], map(_row, rows)))
    say(f"{len(chosen)} of {len(letters)} dead letters: " + ", ".join(f"{name} {count}" for name, count in reasons.most_common()))


def show(place: Place, as_json: AsJson = False) -> None:
    """Show one dead letter: its headers and the original key and bytes, as text, or in base64 where they are none.

    The bytes are shown as they came, names and telephone numbers too: do not pass them on.

    Example: `cityloop deadletters show 2:17`
    """
    record = _find(load_settings(), place)
    say("original bytes: personal data in them is not masked")
    answer = {**_summary(record), "key": _text(record.key), **_body(record.value)}
    out(answer, as_json, lambda letter: "\n".join(f"{name}: {value}" for name, value in letter.items() if value is not None))


def resubmit(place: Place, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; without this nothing is sent.")] = False) -> None:
    """Send the original key and bytes once more to where they came from; the dead letter stays where it is.

    It makes sense after the cause was put right (a new category, a corrected setting): otherwise the same comes back.

    Example: `cityloop deadletters resubmit 2:17 --yes`
    """
    settings = load_settings()
    record = _find(settings, place)
    topic = _origin(settings, record)
    if not yes:
        raise UserError(f"{place} ({record.header('error-reason')}) would be sent to {settings.named(topic)} again; add --yes to do it")
    case_files.send_again(settings, topic, record)
    say(f"{place} was sent to {settings.named(topic)} again")


def _origin(settings: Settings, record: Record) -> str:
    """The bare name of the topic the letter came from."""
    for topic in (REPORTED.name, CASE_COMMANDS.name):
        if record.header("origin-topic") in (settings.named(topic), None):
            return topic
    raise UserError(f"this dead letter came from {record.header('origin-topic')}, which takes no letters again")


def _find(settings: Settings, place: str) -> Record:
    partition, _, offset = place.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise UserError(f"{place!r} is no place of a dead letter; write PARTITION:OFFSET, as `cityloop deadletters list` does, like 2:17")
    return reader.one(settings.kafka_bootstrap, settings.named(REJECTED.name), int(partition), int(offset))


def _summary(record: Record) -> dict[str, Any]:
    said = {name: record.header(name) for name in HEADERS}
    return {"at": f"{record.partition}:{record.offset}", **said, "bytes": None if record.value is None else len(record.value)}


def _row(letter: dict[str, Any]) -> list[Any]:
    origin = f"{letter['origin-topic']} {letter['origin-partition']}:{letter['origin-offset']}"
    detail = (letter["error-detail"] or "")[:DETAIL_SHOWN]
    return [letter["at"], letter["error-reason"], letter["error-stage"], origin, letter["bytes"], detail]


def _body(value: bytes | None) -> dict[str, str | None]:
    text = _text(value)
    return {"value": text} if text is not None or value is None else {"value_base64": base64.b64encode(value).decode()}


def _text(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None

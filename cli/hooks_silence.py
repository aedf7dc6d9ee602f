"""`cityloop hooks silence add|list|expire`: what is not to be told for a while, by whom, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from adapters.silences import Silences
from cli.accounts import Office, at_the_shell
from cli.output import AsJson, out, say, table
from cli.words import moment
from config.notice_tree import duration_of
from config.settings import load_settings
from incidents.errors import UserError
from incidents.silences import KeptSilence, Repeats, Wish

FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]

Begins = Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="ISO 8601 with an offset. Default: now.")]
Ends = Annotated[datetime | None, typer.Option("--until", formats=FORMATS, help="When it ends; instead of --for.")]
Last = Annotated[datetime | None, typer.Option(formats=FORMATS, help="When one that repeats ends for the last time.")]


def add_to(group: typer.Typer) -> None:
    """Adds the group `silence`."""
    silence = typer.Typer(help="What is not to be told for a while.", no_args_is_help=True)
    for name, command in (("add", add), ("list", listed), ("expire", expire)):
        silence.command(name)(command)
    group.add_typer(silence, name="silence")


def add(  # noqa: PLR0913  # an option each
    matchers: Annotated[list[str], typer.Argument(metavar="MATCHER…", help='As in hooks.toml, all must match: district="370202".')],
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why; whoever misses a notice reads it.")],
    lasts: Annotated[str, typer.Option("--for", help="How long, like 30m, 2h or 1d.")] = "1h",
    begins: Begins = None,
    ends: Ends = None,
    repeats: Annotated[Repeats, typer.Option(help="Again at the same time of day in the city's zone, until --last.")] = Repeats.NEVER,
    last: Last = None,
    owner: Annotated[str | None, typer.Option(help="Who is told before it ends. Default: whoever is at this shell.")] = None,
    replaces: Annotated[str | None, typer.Option(metavar="ID", help="The silence whose place it takes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Silence what matches, from now on or at set times. Its owner is told half an hour before it ends; it is journalled.

    What stands in the queue already is sent. What begins while it is silenced and still goes on afterwards is told then.

    Example: `cityloop hooks silence add 'category="road_spillage"' 'district="370202"' --for 2h -c "resurfacing of Shandong Road"`
    """
    start = begins or datetime.now(UTC)
    try:
        end = ends or start + duration_of(lasts)
    except ValueError as error:
        raise UserError(f"--for {error}") from None
    with _silences() as (desk, silences):
        whose = owner or desk.person
        wish = _wish(matchers=tuple(matchers), starts_at=start, ends_at=end, owner=whose, comment=comment, repeats=repeats, until=last)
        kept = silences.put(wish, desk.person, replaces)
    zone = desk.city.time_zone
    out(kept, as_json, lambda _: f"silence {kept.id}: {_matchers(kept)} until {moment(kept.ends_at, zone)}{_again(kept, zone)}")


def listed(
    expired: Annotated[bool, typer.Option("--expired", help="Also those of the last five days that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the silences that hold or are still to come, those that end first at the head.

    Example: `cityloop hooks silence list --expired`
    """
    now = datetime.now(UTC)
    with _silences() as (desk, silences):
        found = silences.listed(expired=expired)
    zone = desk.city.time_zone
    answer = [each.model_dump() | {"state": each.standing(now)} for each in found]
    head = ("id", "state", "what", "from", "until", "repeats", "owner", "comment")
    out(answer, as_json, lambda _: table(head, (_row(each, now, zone) for each in found)))


def expire(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="As `hooks silence list` says.")],
    as_json: AsJson = False,
) -> None:
    """End silences now. What they kept quiet and still goes on is told at its group's next turn; it is journalled.

    Example: `cityloop hooks silence expire 0c9f2f6e-5f0e-4d0e-9d39-5a1f4f4f5c11`
    """
    with _silences() as (desk, silences):
        ended = [silences.expire(id_, desk.person) for id_ in ids]
    out(ended, as_json, lambda _: "\n".join(f"ended {each.id}: {_matchers(each)}" for each in ended))
    say(f"{len(ended)} ended")


@contextmanager
def _silences() -> Iterator[tuple[Office, Silences]]:
    settings = load_settings()
    with at_the_shell() as desk:
        yield desk, Silences(desk.database, settings.named(settings.city), desk.journal.append)


def _wish(**what: Any) -> Wish:
    """Raises UserError with the first thing that is wrong."""
    try:
        return Wish(**what)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from None


def _matchers(kept: KeptSilence) -> str:
    return " ".join(kept.matchers)


def _again(kept: KeptSilence, zone: str) -> str:
    return "" if kept.until is None else f", {kept.repeats} until {moment(kept.until, zone)}"


def _row(kept: KeptSilence, now: datetime, zone: str) -> tuple[object, ...]:
    left = kept.over - now
    soon = " (soon)" if timedelta(0) < left <= timedelta(minutes=30) else ""
    repeats = None if kept.until is None else f"{kept.repeats}, {moment(kept.starts_at, zone)} to {moment(kept.ends_at, zone)}"
    state = f"{kept.standing(now)}{soon}"
    return kept.id, state, _matchers(kept), moment(kept.starts_at, zone), moment(kept.over, zone), repeats, kept.owner, kept.comment

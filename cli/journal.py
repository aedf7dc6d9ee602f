"""`cityloop journal`: prove that the record of people's acts is whole, and read it."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Group

from adapters.database import open_database
from adapters.journal import copy_path
from adapters.journal_reading import Wanted, copied, entries, examine
from adapters.secrets import is_signed, load_secrets, read_key
from cli.accounts import at_the_shell
from cli.output import AsJson, out, table
from config.settings import load_settings
from incidents.errors import UserError
from incidents.journal import Examination, Kind, iso, proves
from incidents.rights import EVERYTHING

Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="ISO 8601 with an offset.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="The tamper-evident record of people's acts (docs/people.md).", no_args_is_help=True)
    for command in (verify, show, prove, sign):
        group.command(command.__name__)(command)
    app.add_typer(group, name="journal")


def verify(
    copy: Annotated[list[Path] | None, typer.Option(help="A copy of the checkpoints; repeatable. Default: this machine's.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="journal.pub, best your own copy. Default: the key of the secrets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the whole journal and name every entry that was changed, moved, cut out, cut off or rewritten; exit code 1 when there is one.

    Entries after the last checkpoint are chained but not yet signed: whoever holds the database could still cut them off unseen.

    Example: `cityloop journal verify --public-key journal.pub --copy /mnt/second/checkpoints`
    """
    settings = load_settings()
    public = read_key(public_key) if public_key else load_secrets(settings).journal_public
    copies = copy or [path for path in [copy_path(settings)] if path.exists()]
    if missing := [path for path in copies if not path.exists()]:
        raise UserError(f"there is no copy {missing[0]}; name a file that CITYLOOP_JOURNAL_COPY named on some machine")
    with closing(open_database(settings)) as database:
        database.upgrade()
        found = examine(database, settings.named(settings.city), public, chain.from_iterable(copied(path) for path in copies))
    answer = {
        "whole": not found.findings,
        "entries": found.entries,
        "signed_to": found.signed_to,
        "unsigned": found.last - found.signed_to,
        "copies": [str(path) for path in copies],
        "findings": found.findings,
    }
    out(answer, as_json, lambda _: _verdict(found, copies))
    if found.findings:
        raise typer.Exit(1)


def _verdict(found: Examination, copies: Sequence[Path]) -> Group:
    against = f"against {len(copies)} {'copy' if len(copies) == 1 else 'copies'} of the checkpoints"
    if not found.findings:
        return Group(f"whole: {found.entries} entries, signed up to {found.signed_to}, {against}")
    rows = [(each.fault, each.first if each.first == each.last else f"{each.first}-{each.last}", each.detail) for each in found.findings]
    return Group(f"NOT whole: {found.entries} entries, {against}", table(("fault", "entries", "why"), rows))


def show(  # noqa: PLR0913  # an option each
    case: Annotated[str | None, typer.Option(help="Entries about this case.")] = None,
    person: Annotated[str | None, typer.Option(help="Entries of this account, or `token:<id>`.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Entries of this kind; `unsealed` is who opened what.")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries, the newest first.

    Example: `cityloop journal show --kind unsealed --case QD-20261121-14YNDD4W6Y`
    """
    settings = load_settings()
    wanted = Wanted(case, person, kind, None if since is None else iso(since), None if until is None else iso(until))
    with closing(open_database(settings)) as database:
        database.upgrade()
        found = entries(database, settings.named(settings.city), EVERYTHING, wanted, limit)
    out(found, as_json, lambda rows: table(("entry", "at", "kind", "person", "what"), map(_line, rows)))


def _line(entry: dict[str, Any]) -> tuple[object, ...]:
    return entry["sequence"], entry["at"], entry["kind"], entry["person"], orjson.dumps(entry["what"]).decode()


def prove(
    file: Annotated[Path, typer.Argument(help="A case's file, as GET /api/v1/cases/ID/file gives it.")],
    public_key: Annotated[Path | None, typer.Option(help="journal.pub, best your own copy. Default: the key of the secrets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the journal's entries in a case's file against the city's signature, without the journal; exit code 1 when one does not hold.

    Example: `cityloop journal prove QD-20261121-14YNDD4W6Y.json --public-key journal.pub`
    """
    public = read_key(public_key) if public_key else load_secrets(load_settings()).journal_public
    try:
        proofs = orjson.loads(file.read_bytes())["journal"]
        held = [proves(proof, lambda message, signature: is_signed(public, message, signature)) for proof in proofs]
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{file} is no case's file; GET /api/v1/cases/ID/file gives one") from None
    wrong = [number for number, holds in enumerate(held, 1) if not holds]
    answer = {"proved": not wrong, "entries": len(held), "wrong": wrong}
    shown = f"NOT proved: entries {', '.join(map(str, wrong))} of {len(held)}" if wrong else f"proved: all {len(held)} entries"
    out(answer, as_json, lambda _: shown)
    if wrong:
        raise typer.Exit(1)


def sign(as_json: AsJson = False) -> None:
    """Sign the journal up to its newest entry now; a console does so every minute.

    The line that `--json` prints is a checkpoint: printed or filed elsewhere it proves later what the journal said today.

    Example: `cityloop journal sign --json`
    """
    with at_the_shell() as desk:
        signed = desk.journal.checkpoint()
    answer = None if signed is None else signed.as_json()
    out(answer, as_json, lambda _: "the journal is empty" if signed is None else f"signed up to entry {signed.sequence} at {signed.at}")

"""`cityloop seals open|erase|expire`: sealed personal data of a case or a dead letter, opened for a purpose or erased for good."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import typer

from adapters import reader
from adapters.case_query import CaseQuery
from adapters.clock import RealClock
from adapters.database import Database, open_database
from adapters.journal import Journal, open_journal
from adapters.log import configure_logging
from adapters.seals import Opened, Sealer, make_sealer
from adapters.seals import expire as expire_keys
from adapters.secrets import load_secrets
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.settings import Settings, load_settings
from config.topics import REJECTED
from incidents.errors import UserError
from incidents.journal import Kind
from incidents.rights import EVERYTHING
from incidents.sealing import Found, seals_of_case, seals_of_report

LEAST_PURPOSE = 10

Place = Annotated[str, typer.Argument(metavar="CASE|PARTITION:OFFSET", help="A case, or a dead letter as `deadletters list` names it.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Sealed personal data: open it for a purpose, or erase it (docs/privacy.md).", no_args_is_help=True)
    group.command("open")(open_)
    group.command("erase")(erase)
    group.command("expire")(expire)
    app.add_typer(group, name="seals")


@dataclass(frozen=True)
class _Desk:
    settings: Settings
    database: Database
    sealer: Sealer
    journal: Journal
    person: str

    def found(self, place: str) -> tuple[dict[str, str | None], list[Found]]:
        """Whose they are, for the journal, and the seals themselves. Raises UserError for a case or a letter that is not there."""
        partition, _, offset = place.partition(":")
        if partition.isdecimal() and offset.isdecimal():
            letter = reader.one(self.settings.kafka_bootstrap, self.settings.named(REJECTED.name), int(partition), int(offset))
            return {"letter": place}, _of_letter(letter.value)
        case = CaseQuery(self.database, load_city(self.settings), RealClock().now).case(EVERYTHING, place)
        if case is None:
            raise UserError(f"there is no case {place!r} in the tables; `cityloop case list` names those there are")
        return {"case_id": place, "district": case.row["district"]}, list(seals_of_case(case.case))


@contextmanager
def _desk() -> Iterator[_Desk]:
    settings = load_settings()
    configure_logging(settings, "seals")
    secrets = load_secrets(settings)
    with closing(open_database(settings)) as database:
        database.upgrade()
        with closing(open_journal(settings, database, secrets)) as journal:
            yield _Desk(settings, database, make_sealer(settings, database, secrets), journal, f"shell:{getpass.getuser()}")


def open_(
    place: Place, purpose: Annotated[str, typer.Option(help="What for, in words an auditor understands.")], as_json: AsJson = False
) -> None:
    """Open the sealed values of a case, or of a report that was rejected; journalled with the purpose before anything is shown.

    Example: `cityloop seals open QD-20261121-14YNDD4W6Y --purpose "call back about case 1207"`
    """
    purpose = purpose.strip()
    if len(purpose) < LEAST_PURPOSE:
        raise UserError(f"--purpose {purpose!r} says too little: at least {LEAST_PURPOSE} characters")
    with _desk() as desk:
        whose, found = desk.found(place)
        if found:
            fields = sorted({each.bound.field for each in found})
            desk.journal.append(Kind.UNSEALED, desk.person, {**whose, "purpose": purpose, "fields": fields, "values": len(found)})
        opened = desk.sealer.open(found)
    out([_shown(each) for each in opened], as_json, lambda rows: table(("where", "value"), _rows(rows)))


def erase(
    place: Place,
    reason: Annotated[str, typer.Option(help="Why, e.g. the request of the person whose data it is.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; without this nothing is erased.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase the personal data of a case or a rejected report before its day, by deleting its keys: nobody can open it ever again.

    Its text stays where it is, on Kafka and in copies, as noise.

    Example: `cityloop seals erase QD-20261121-14YNDD4W6Y --reason "asked for by the caller" --yes`
    """
    with _desk() as desk:
        whose, found = desk.found(place)
        keys = {each.seal["key"] for each in found}
        if not yes:
            raise UserError(f"{len(found)} values under {len(keys)} keys of {place} would be erased for good; add --yes to do it")
        desk.journal.append(Kind.ERASED, desk.person, {**whose, "why": reason, "values": len(found)})
        erased = desk.sealer.keys.erase(keys)
    out({"place": place, "values": len(found), "keys": erased}, as_json, lambda told: f"erased {told['keys']} keys of {place}")


def expire(as_json: AsJson = False) -> None:
    """Erase every key whose last day is over (CITYLOOP_SEAL_DAYS); a console does so every hour by itself.

    Example: `cityloop seals expire`
    """
    with _desk() as desk:
        expired = expire_keys(desk.sealer, desk.journal, desk.person)
    out({"keys": expired}, as_json, lambda _: f"erased {expired} keys that were due")


def _of_letter(value: bytes | None) -> list[Found]:
    try:
        report = orjson.loads(value or b"")
        found = list(seals_of_report(report))
    except (orjson.JSONDecodeError, AttributeError):
        found = []
    if not found:
        say("nothing in it is sealed: it did not come through an edge of ours")
    return found


def _shown(opened: Opened) -> dict[str, Any]:
    erased = f"erased on {opened.erased_on}" if opened.erased_on else ""
    return {"where": opened.found.path, "value": opened.value, "why": erased or opened.why or None}


def _rows(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["where"], row["value"] if row["why"] is None else f"({row['why']})") for row in rows]

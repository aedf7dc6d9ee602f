"""`cityloop accounts`: who may sign in at the console, as which role, and for which part of the city."""

import os
import pwd
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from adapters.database import Database, open_database
from adapters.journal import Journal, open_journal
from adapters.log import configure_logging
from adapters.people import LEAST_LETTERS, Account, People
from adapters.secrets import load_secrets
from adapters.tokens import Tokens
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.settings import Settings, load_settings
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.journal import Kind
from incidents.refusals import ROLES
from incidents.rights import BLIND, SUBDISTRICT, Person, check_place
from incidents.vocabulary import Role

Name = Annotated[str, typer.Argument(help="The account: 2 to 63 of a-z, 0-9, `.`, `_`, `-`.")]
AsRole = Annotated[Role, typer.Option("--role", help="What they do (docs/people.md).")]
Level = Annotated[str | None, typer.Option(help="A level of the city. Default: that of --unit, else of the place given, else the first.")]
District = Annotated[str | None, typer.Option(help="Code of the only district whose cases they see.")]
Subdistrict = Annotated[str | None, typer.Option(help="Code of the only subdistrict of --district whose cases they see.")]
InUnit = Annotated[str | None, typer.Option("--unit", help="Key of the office they act for; required for the role unit.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, instead of asking for one.")]
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Who may sign in at the console (docs/people.md).", no_args_is_help=True)
    for name, command in (("add", add), ("list", listed), ("password", password), ("disable", disable), ("enable", enable)):
        group.command(name)(command)
    app.add_typer(group, name="accounts")


@dataclass(frozen=True)
class Office:
    """What the commands about people work on; whatever they change is journalled."""

    city: City
    people: People
    tokens: Tokens
    journal: Journal
    database: Database

    @property
    def person(self) -> str:
        """Whoever is at this shell, as the journal names them."""
        return f"shell:{_user()}"

    def note(self, kind: Kind, act: str, **what: Any) -> None:
        """Into the journal: whoever is at this shell did it."""
        self.journal.append(kind, self.person, {"act": act, **what})


@contextmanager
def office(settings: Settings) -> Iterator[Office]:
    """The office of these settings' city. Raises UserError without secrets, TryAgain without the database."""
    secrets_of_city, city = load_secrets(settings), load_city(settings)
    with closing(open_database(settings)) as database:
        database.upgrade()
        people = People(database, {unit.key: unit.parent for unit in city.units})
        with closing(open_journal(settings, database, secrets_of_city)) as journal:
            yield Office(city, people, Tokens(database, people), journal, database)


@contextmanager
def at_the_shell() -> Iterator[Office]:
    """The office of this command's environment; what the journal logs goes to stderr."""
    settings = load_settings()
    configure_logging(settings, "people")
    with office(settings) as desk:
        yield desk


def add(  # noqa: PLR0913  # an option each
    name: Name,
    role: AsRole,
    called: Annotated[str | None, typer.Option("--name", help="The person's name, as colleagues see it. Default: the account.")] = None,
    level: Level = None,
    district: District = None,
    subdistrict: Subdistrict = None,
    unit: InUnit = None,
    generate: Generate = False,
    as_json: AsJson = False,
) -> None:
    """Add an account. The password is asked for twice, or read from stdin where that is no terminal.

    Example: `cityloop accounts add wang.fang --name 王芳 --role dispatcher --district 370202`
    """
    with at_the_shell() as desk:
        place = {"district": district, "subdistrict": subdistrict, "unit": unit}
        person = placed(desk.city, Person.model_validate({"id": name, "name": called or name, "role": role, "level": level or "", **place}))
        chosen = new_password() if generate else _asked()
        desk.people.add(person, chosen)
        desk.note(Kind.ACCOUNT, "add", account=name, role=role, level=person.level, **place)
    answer: dict[str, Any] = {"account": name, "role": role, "level": person.level, **place}
    shown = {"password": chosen} if generate else {}
    out(answer | shown, as_json, lambda _: f"added {name} ({role})" + (f", password {chosen}" if generate else ""))


def listed(as_json: AsJson = False) -> None:
    """List the accounts.

    Example: `cityloop accounts list`
    """
    with at_the_shell() as desk:
        accounts = [_shown(account) for account in desk.people.accounts()]
    columns = ("account", "name", "role", "level", "district", "subdistrict", "unit", "created_at", "disabled_at")
    out(accounts, as_json, lambda rows: table(columns, ([row[column] for column in columns] for row in rows)))


def password(name: Name, generate: Generate = False, as_json: AsJson = False) -> None:
    """Give an account another password; all its sessions end.

    Example: `cityloop accounts password wang.fang --generate`
    """
    with at_the_shell() as desk:
        chosen = new_password() if generate else _asked()
        desk.people.set_password(name, chosen)
        desk.note(Kind.ACCOUNT, "password", account=name)
    shown = {"password": chosen} if generate else {}
    out({"account": name, **shown}, as_json, lambda _: f"{name} has another password" + (f": {chosen}" if generate else ""))


def disable(name: Name, as_json: AsJson = False) -> None:
    """Let nobody sign in with an account any more; all its sessions end. What it did stays.

    Example: `cityloop accounts disable wang.fang`
    """
    with at_the_shell() as desk:
        desk.people.disable(name)
        desk.note(Kind.ACCOUNT, "disable", account=name)
    out({"account": name, "disabled": True}, as_json, lambda _: f"disabled {name}")


def enable(name: Name, as_json: AsJson = False) -> None:
    """Let a disabled account sign in again.

    Example: `cityloop accounts enable wang.fang`
    """
    with at_the_shell() as desk:
        desk.people.enable(name)
        desk.note(Kind.ACCOUNT, "enable", account=name)
    out({"account": name, "disabled": False}, as_json, lambda _: f"enabled {name}")


@dataclass(frozen=True)
class DemoAccount:
    """What the demo prints: sign in with these."""

    account: str
    password: str
    role: Role
    unit: str | None


def demo_accounts(settings: Settings, unit: str) -> list[DemoAccount]:
    """One account per role that has a console, named like the role, for the whole city; `unit` is the office of the role unit.

    An account that is there gets another password. Raises UserError, TryAgain.
    """
    made = []
    with office(settings) as desk:
        there = {account.person.id for account in desk.people.accounts()}
        for role in (role for role in Role if role not in BLIND):
            office_of = unit if role is Role.UNIT else None
            person = placed(desk.city, Person(id=role, name=ROLES[role], role=role, level="", unit=office_of))
            made.append(DemoAccount(role, new_password(), role, office_of))
            if role in there:
                desk.people.set_password(role, made[-1].password)
            else:
                desk.people.add(person, made[-1].password)
            desk.note(Kind.ACCOUNT, "demo", account=role, role=role)
    return made


def placed(city: City, person: Person) -> Person:
    """The person with the level that follows from unit and district where none is given. Raises UserError for a place that is none."""
    unit = city.unit_by_key.get(person.unit or "")
    narrowed = next((name for name in (SUBDISTRICT, "district") if getattr(person, name) and name in city.levels), city.levels[0])
    follows = unit.level if unit else narrowed
    whole = person.model_copy(update={"level": person.level or follows})
    check_place(city, whole)
    return whole


def new_password() -> str:
    """Eighteen letters that can be read out, 89 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(6)) for _ in range(3))


def at(milliseconds: int | None) -> datetime | None:
    """A stored moment."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds // 1_000, UTC)


def _shown(account: Account) -> dict[str, Any]:
    person = account.person
    place = {"level": person.level, "district": person.district, "subdistrict": person.subdistrict, "unit": person.unit}
    times = {"created_at": at(account.created_at), "disabled_at": at(account.disabled_at)}
    return {"account": person.id, "name": person.name, "role": person.role, **place, **times}


def _asked() -> str:
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\n")
        if not given:
            raise UserError("no password on stdin; pipe it in, or use --generate")
        return given
    say(f"at least {LEAST_LETTERS} letters, for example four or five words")
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True))


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        return str(os.getuid())

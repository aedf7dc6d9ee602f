"""A console's door for tests: cheap password hashes, fixed secrets, and tokens and accounts for whoever a test needs."""

from pathlib import Path

from argon2 import PasswordHasher

from adapters.database import Database
from adapters.journal import Journal
from adapters.people import People
from adapters.rates import Rates
from adapters.secrets import Secrets
from adapters.tokens import Tokens
from config.settings import Settings
from console.access import Access
from incidents.catalogue import City
from incidents.rights import RIGHTS, Permission, Person
from incidents.vocabulary import Role

SECRETS = Secrets(*(bytes([number]) * 32 for number in range(4)))
PASSWORD = "a gull over the old pier"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def a_door(settings: Settings, city: City, database: Database) -> Access:
    """What `console.access.open_access` makes, but quick."""
    people = People(database, {unit.key: unit.parent for unit in city.units}, QUICK)
    return Access(people, Tokens(database, people), Rates(settings), SECRETS)


def a_journal(settings: Settings, database: Database, folder: Path) -> Journal:
    """A journal whose copy is in this folder."""
    return Journal(database, settings.named(settings.city), SECRETS, folder / "checkpoints")


def a_person(role: Role, name: str = "", **place: object) -> Person:
    """A person of this role for the whole city; `level`, `district` and `unit` narrow it."""
    return Person.model_validate({"id": name or f"a.{role}", "name": name or role, "role": role, "level": "city", **place})


def bearer(access: Access, role: Role, scopes: frozenset[Permission] | None = None, **place: object) -> dict[str, str]:
    """The headers of a new token that may do all its role may, or only these scopes."""
    person = a_person(role, "", kind="token", scopes=RIGHTS[role] if scopes is None else scopes, **place)
    return {"Authorization": f"Bearer {access.tokens.create(person, 1)[1]}"}

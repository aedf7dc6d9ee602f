"""Who may do what: the table of roles and permissions, and which cases a person sees at all.

Every door asks here: the console's API (`console/access.py`) what a signed-in person may do, the query layer (`Scope`) which rows are
theirs. Which command a role may give in which state stands in `incidents.transitions`, the table of the state machine, and nowhere else.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Literal

from incidents.case import Case
from incidents.catalogue import City, Frozen
from incidents.commands import Actor
from incidents.errors import UserError
from incidents.transitions import BY_COMMAND
from incidents.vocabulary import CommandType, Role


class Permission(StrEnum):
    """What a door asks for. The values are also the scopes of a token: a token can do what its role may *and* its scopes say."""

    READ = "read"
    COMMAND = "command"
    EVIDENCE = "evidence"
    EXPORT = "export"
    UNSEAL = "unseal"
    REPORT = "report"
    POSITION = "position"
    SILENCE = "silence"
    JOURNAL = "journal"
    ADMIN = "admin"


MEANS: dict[Permission, str] = {
    Permission.READ: "see cases, queue, map, feed, indicators and explanations of the own scope; personal data masked",
    Permission.COMMAND: "give commands to cases of the own scope, each where its role may (docs/states.md)",
    Permission.EVIDENCE: "store a picture or a document",
    Permission.EXPORT: "take cases of the own scope out as CSV, GeoJSON or a whole file; journalled",
    Permission.UNSEAL: "open sealed personal data of a case of the own scope, for a stated purpose; journalled",
    Permission.REPORT: "send reports",
    Permission.POSITION: "say where a unit is",
    Permission.SILENCE: "keep notices quiet for a while; who acts for one district only those of it; journalled",
    Permission.JOURNAL: "read who did what and who opened what",
    Permission.ADMIN: "keep accounts and tokens",
}

P, R = Permission, Role

# fmt: off
RIGHTS: dict[Role, frozenset[Permission]] = {
    R.COLLECTOR:  frozenset({P.READ, P.COMMAND, P.EVIDENCE, P.REPORT, P.POSITION}),
    R.ACCEPTOR:   frozenset({P.READ, P.COMMAND, P.EVIDENCE, P.REPORT, P.UNSEAL}),
    R.SHIFT_LEAD: frozenset({P.READ, P.COMMAND, P.EVIDENCE, P.REPORT, P.UNSEAL, P.EXPORT, P.SILENCE}),
    R.DISPATCHER: frozenset({P.READ, P.COMMAND, P.EVIDENCE, P.REPORT, P.UNSEAL, P.EXPORT, P.SILENCE}),
    R.UNIT:       frozenset({P.READ, P.COMMAND, P.EVIDENCE, P.POSITION, P.UNSEAL}),
    R.CHECKER:    frozenset({P.READ, P.COMMAND, P.EVIDENCE}),
    R.ARBITER:    frozenset({P.READ, P.COMMAND, P.EXPORT}),
    R.LEADER:     frozenset({P.READ, P.COMMAND, P.EXPORT, P.SILENCE}),
    R.AUDITOR:    frozenset({P.READ, P.EXPORT, P.JOURNAL}),
    R.OPS:        frozenset({P.READ, P.REPORT, P.ADMIN, P.SILENCE}),
    R.RESIDENT:   frozenset(),
    R.SYSTEM:     frozenset({P.REPORT, P.POSITION, P.EVIDENCE}),
}
"""THE table. `system` is a machine's token (a camera gateway, a vehicle's unit): it sends, and sees nothing."""
# fmt: on

LONGEST_NAME = 200
SUBDISTRICT = "subdistrict"
BLIND = frozenset(role for role, rights in RIGHTS.items() if P.READ not in rights)


class Person(Frozen):
    """Who is signed in, by an account's session or a token. `id` is what facts and the journal name: the account, or `token:<id>`.

    `level` is one of the city's levels. `district` is the code of the only district whose cases they see, None for the whole city;
    `subdistrict` that of the only one of its subdistricts, None for all of them. `unit` is the office they act for; `below` are the
    units below it. `scopes` narrow a token; an account has none and needs none.
    """

    id: str
    name: str
    role: Role
    level: str
    district: str | None = None
    subdistrict: str | None = None
    unit: str | None = None
    below: tuple[str, ...] = ()
    kind: Literal["account", "token"] = "account"
    scopes: frozenset[Permission] = frozenset()


class Scope(Frozen):
    """Which cases exist for a person; any other id is unknown to them (404). None does not narrow; an empty tuple is nothing at all.

    With `unit`, a case is seen that one of `units` (the unit or one below it) leads or assists in.
    """

    districts: tuple[str, ...] | None = None
    subdistricts: tuple[str, ...] | None = None
    unit: str | None = None
    below: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """The unit and those below it; empty where units do not matter."""
        return () if self.unit is None else (self.unit, *self.below)

    def covers(self, district: str | None, units: Iterable[str | None], subdistrict: str | None = None) -> bool:
        """Whether what lies there and is these units' is seen: the query layer's rule, for single things.

        What is of no known subdistrict is seen by nobody who sees one only.
        """
        if self.districts is not None and district not in self.districts:
            return False
        if self.subdistricts is not None and subdistrict not in self.subdistricts:
            return False
        return self.unit is None or not set(self.units).isdisjoint(units)

    def covers_case(self, case: Case) -> bool:
        """Whether this case is seen."""
        return self.covers(case.place.district, (case.unit, *case.assisting), case.place.subdistrict)


EVERYTHING = Scope()
NOTHING = Scope(districts=())


def units_below(unit: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """Every unit whose chain of parents leads to this one, without itself; `parents` maps each unit of the city to its parent."""
    found: set[str] = {unit}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return tuple(sorted(found - {unit}))


def scope_of(person: Person) -> Scope:
    """The cases that exist for this person.

    A unit's people see what their unit or one below it leads or assists in, in whatever district: a city dispatcher may send a unit
    across a border. Everyone else sees their subdistrict, without one their district, and without that the whole city; who reads nothing
    sees nothing.
    """
    if person.role in BLIND:
        return NOTHING
    if person.role is Role.UNIT:
        return Scope(unit=person.unit, below=person.below) if person.unit else NOTHING
    districts, subdistricts = ((None if each is None else (each,)) for each in (person.district, person.subdistrict))
    return Scope(districts=districts, subdistricts=subdistricts)


def may(person: Person, what: Permission) -> bool:
    """Whether the role has this permission, and a token its scope too."""
    return what in RIGHTS[person.role] and (person.kind == "account" or what in person.scopes)


def may_command(person: Person, command: CommandType) -> bool:
    """Whether a row of the state machine's table admits the role for this command in any state."""
    return may(person, Permission.COMMAND) and any(person.role in row.roles for row in BY_COMMAND[command])


def actor_of(person: Person) -> Actor:
    """Whom a case's facts name: always the signed-in person, never what a request says of itself."""
    return Actor(id=person.id, role=person.role, unit=person.unit)


def check_place(city: City, person: Person) -> None:
    """Whether an account or a token may be this person.

    Raises UserError when the city has no such level, district or unit, or when they leave open what this role is to see or act for.
    """
    first, unit = city.levels[0], city.unit_by_key.get(person.unit or "")
    if not 1 <= len(person.name) <= LONGEST_NAME:
        raise UserError(f"the name has {len(person.name)} letters: give it 1 to {LONGEST_NAME}")
    _known("level", person.level, city.levels)
    _known("district", person.district, [each.code for each in city.districts])
    _known("unit", person.unit, city.unit_by_key)
    _check_subdistrict(city, person)
    if person.role is Role.UNIT and unit is None:
        raise UserError("the role unit acts for an office: name its key with --unit (units of the city: docs/city.md)")
    if person.role in (Role.UNIT, Role.SYSTEM):
        return
    if person.level != first and person.district is None:
        raise UserError(f"a {person.role} of level {person.level} without a district would see the whole {first}: name --district")
    if person.level in _levels_below_district(city) and person.subdistrict is None and person.role is not Role.AUDITOR:
        raise UserError(f"a {person.role} of level {person.level} without a subdistrict would see the whole district: name --subdistrict")
    if person.role is Role.LEADER and person.level != first and (unit is None or unit.level != person.level):
        raise UserError(f"a leader of level {person.level} speaks for an office of that level: name its key with --unit")
    if unit is not None and unit.district not in (None, person.district) and person.district is not None:
        raise UserError(f"unit {unit.key!r} is of district {unit.district}, not of {person.district}: name another --unit or --district")


def _levels_below_district(city: City) -> tuple[str, ...]:
    """The levels whose people belong to a subdistrict; none in a city without it."""
    return city.levels[city.levels.index(SUBDISTRICT) :] if SUBDISTRICT in city.levels else ()


def _check_subdistrict(city: City, person: Person) -> None:
    if person.subdistrict is None:
        return
    if person.role is Role.AUDITOR:
        raise UserError("the journal is kept by district, so an auditor reads a district's or the city's: leave --subdistrict out")
    if person.role in (Role.UNIT, Role.SYSTEM):
        raise UserError(f"the role {person.role} is not narrowed by place: leave --subdistrict out")
    named = {each.code: [code for code, _ in each.subdistricts] for each in city.districts}
    if person.district is None:
        raise UserError("a subdistrict is of a district: name its --district, too")
    _known("subdistrict of that district", person.subdistrict, named.get(person.district, ()))


def _known(what: str, value: str | None, known: Collection[str]) -> None:
    if value is not None and value not in known:
        raise UserError(f"the city has no {what} {value!r}: choose one of {', '.join(sorted(known)[:20])}{' …' if len(known) > 20 else ''}")


def as_markdown() -> str:
    """Every role with every permission, as documentation."""
    lines = ["| role | " + " | ".join(f"`{each}`" for each in Permission) + " |", "|---" * (len(Permission) + 1) + "|"]
    for role, rights in RIGHTS.items():
        lines.append(f"| `{role}` | " + " | ".join("yes" if each in rights else "–" for each in Permission) + " |")
    return "\n".join(lines) + "\n"

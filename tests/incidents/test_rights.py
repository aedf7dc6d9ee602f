"""Who may do what, and which cases exist for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load_city
from config.settings import Settings
from incidents.catalogue import Unit
from incidents.errors import UserError
from incidents.rights import (
    EVERYTHING,
    MEANS,
    NOTHING,
    RIGHTS,
    Permission,
    Person,
    Scope,
    actor_of,
    as_markdown,
    check_place,
    may,
    may_command,
    scope_of,
)
from incidents.transitions import BY_COMMAND
from incidents.vocabulary import CommandType, Role

QINGDAO = load_city(Settings(city="qingdao"))


def person(role: Role, **changes: object) -> Person:
    return Person.model_validate({"id": "wang", "name": "王芳", "role": role, "level": "district", **changes})


def test_every_role_and_every_permission_stands_in_the_tables() -> None:
    assert set(RIGHTS) == set(Role)
    assert set(MEANS) == set(Permission)


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.UNIT, Role.RESIDENT, Role.SYSTEM}])
def test_a_districts_people_see_their_district_and_the_citys_people_everything(role: Role) -> None:
    assert scope_of(person(role, district="370202")) == Scope(districts=("370202",))
    assert scope_of(person(role, level="city")) == EVERYTHING


NARROWED = [role for role in Role if role not in {Role.UNIT, Role.AUDITOR, Role.RESIDENT, Role.SYSTEM}]


@pytest.mark.parametrize("role", NARROWED)
def test_a_subdistricts_people_see_their_subdistrict_only(role: Role) -> None:
    scope = scope_of(person(role, level="subdistrict", district="370202", subdistrict="370202001"))
    assert scope == Scope(districts=("370202",), subdistricts=("370202001",))
    assert scope.covers("370202", [None], "370202001")
    assert not scope.covers("370202", [None], "370202002")
    assert not scope.covers("370203", [None], "370203005")


def test_what_is_of_no_known_subdistrict_is_seen_by_nobody_who_sees_one_only() -> None:
    scope = scope_of(person(Role.DISPATCHER, district="370202", subdistrict="370202001"))
    assert not scope.covers("370202", [None]) and not scope.covers(None, ())
    assert scope_of(person(Role.DISPATCHER, district="370202")).covers("370202", [None])


OFFICE = {"level": "subdistrict", "district": "370202"}


@pytest.mark.parametrize("role", NARROWED)
@pytest.mark.parametrize("level", ["subdistrict", "community", "grid"])
def test_who_works_below_a_district_names_a_subdistrict_of_it(role: Role, level: str) -> None:
    with pytest.raises(UserError, match="would see the whole district: name --subdistrict"):
        check_place(QINGDAO, person(role, **OFFICE | {"level": level}))
    with pytest.raises(UserError, match="no subdistrict of that district '370203005'"):
        check_place(QINGDAO, person(role, **OFFICE, subdistrict="370203005"))
    if role is not Role.LEADER:  # who needs an office of that level besides
        check_place(QINGDAO, person(role, **OFFICE | {"level": level}, subdistrict="370202001"))


@pytest.mark.parametrize(
    ("role", "place", "why"),
    [
        (Role.DISPATCHER, {"level": "city", "subdistrict": "370202001"}, "name its --district, too"),
        (Role.AUDITOR, OFFICE | {"subdistrict": "370202001"}, "the journal is kept by district"),
        (Role.UNIT, OFFICE | {"subdistrict": "370202001", "unit": "sanitation-370202"}, "not narrowed by place"),
    ],
)
def test_a_subdistrict_that_would_narrow_nothing_or_too_little_is_refused(role: Role, place: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        check_place(QINGDAO, person(role, **place))


@pytest.mark.parametrize(
    ("area", "subdistrict"),
    [("370202001", "370202001"), ("370202001-03", "370202001"), ("12038_3606", None), (None, None)],
    ids=["subdistrict", "community", "grid", "a district's"],
)
def test_an_office_is_of_the_subdistrict_of_its_area(area: str | None, subdistrict: str | None) -> None:
    office = Unit(key="x", kind="x", name=QINGDAO.units[0].name, level="community", district="370202", area=area)
    assert office.subdistrict == subdistrict


def test_a_units_people_see_what_their_unit_or_one_below_it_leads_or_assists_in() -> None:
    scope = scope_of(person(Role.UNIT, district="370202", unit="sanitation-370202", below=("crew-7",)))
    assert scope.covers("370202", ["sanitation-370202"])
    assert scope.covers("370203", [None, "landscaping-370203", "crew-7"])
    assert not scope.covers("370202", ["landscaping-370202", None])
    assert not scope.covers("370202", [])


@pytest.mark.parametrize("nobody", [person(Role.RESIDENT), person(Role.SYSTEM), person(Role.UNIT)], ids=["resident", "system", "no unit"])
def test_who_reads_nothing_and_a_unit_person_without_a_unit_see_nothing(nobody: Person) -> None:
    assert scope_of(nobody) == NOTHING
    assert not scope_of(nobody).covers("370202", ["sanitation-370202", None])


@given(st.sampled_from(Role), st.sampled_from(Permission), st.frozensets(st.sampled_from(Permission)))
def test_a_token_may_never_do_more_than_its_role_or_than_its_scopes(role: Role, what: Permission, scopes: frozenset[Permission]) -> None:
    token = person(role, kind="token", scopes=scopes)
    assert may(token, what) == (may(person(role), what) and what in scopes)


@given(st.sampled_from(Role), st.sampled_from(CommandType))
def test_a_command_is_open_to_exactly_the_roles_of_the_state_machines_table(role: Role, command: CommandType) -> None:
    named = any(role in row.roles for row in BY_COMMAND[command])
    assert may_command(person(role), command) == (named and may(person(role), Permission.COMMAND))


def test_every_role_that_the_state_machine_names_may_command_but_machines_and_residents() -> None:
    named = {role for rows in BY_COMMAND.values() for row in rows for role in row.roles}
    assert {role for role in named if Permission.COMMAND not in RIGHTS[role]} == {Role.SYSTEM, Role.RESIDENT}


def test_only_the_auditor_reads_the_journal_and_those_who_keep_accounts_do_not() -> None:
    assert [role for role in Role if Permission.JOURNAL in RIGHTS[role]] == [Role.AUDITOR]
    assert [role for role in Role if Permission.ADMIN in RIGHTS[role]] == [Role.OPS]


def test_facts_name_the_signed_in_person() -> None:
    actor = actor_of(person(Role.UNIT, unit="sanitation-370202"))
    assert (actor.id, actor.role, actor.unit) == ("wang", Role.UNIT, "sanitation-370202")


def test_the_documented_table_says_of_every_role_what_it_may() -> None:
    line = next(line for line in as_markdown().splitlines() if "`auditor`" in line)
    assert [cell.strip() == "yes" for cell in line.split("|")[2:-1]] == [each in RIGHTS[Role.AUDITOR] for each in Permission]

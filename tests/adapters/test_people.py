"""Accounts and sessions on both databases."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from adapters.attempts import HERE
from adapters.people import IDLE_MS, LASTS_MS, SEEN_EVERY_MS, People, Refused, SignedIn
from adapters.tokens import PREFIX
from incidents.errors import UserError
from incidents.rights import Permission
from incidents.vocabulary import Role
from tests.adapters.office import PARENTS, Office
from tests.console.door import PASSWORD, a_person


def test_who_knows_the_password_is_signed_in_as_the_accounts_person(office: Office) -> None:
    wang = office.wang()
    assert office.signed_in().person == wang
    assert office.signed_in(" WANG ").person == wang


@pytest.mark.parametrize("account", ["wang", "nobody", "Robert'); DROP TABLE accounts", "\0", ""])
def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(office: Office, account: str) -> None:
    office.wang()
    found = office.tried("not the password", account)
    assert isinstance(found, Refused)
    assert found.wait_ms == 0


def test_an_unknown_account_costs_a_password_check_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def no(stored: str, _: str) -> bool:
        checked.append(stored)
        return False

    monkeypatch.setattr(office.people, "_is", no)
    office.wang()
    for account in ("wang", "nobody"):
        office.tried(account=account)
    assert [stored.startswith("$argon2id$") for stored in checked] == [True, True]
    assert checked[0].rpartition("$")[0].rpartition("$")[0] == checked[1].rpartition("$")[0].rpartition("$")[0]


def test_the_database_holds_no_password_and_no_secret(office: Office) -> None:
    office.wang()
    session = office.signed_in().token
    _, token = office.tokens.create(a_person(Role.SYSTEM, kind="token", scopes={Permission.REPORT}), 1)
    with office.database.read() as connection:
        stored = [str(row) for table in ("accounts", "sessions", "tokens") for row in connection.execute(text(f"SELECT * FROM {table}"))]
    assert not [row for row in stored for secret in (PASSWORD, session, token, token.removeprefix(PREFIX)) if secret in row]


def test_a_hash_with_old_parameters_is_renewed_when_its_person_signs_in(office: Office) -> None:
    office.wang()
    stronger = People(office.database, PARENTS, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1), lambda: office.now)
    assert isinstance(stronger.sign_in("wang", PASSWORD, "10.0.0.1"), SignedIn)
    with office.database.read() as connection:
        assert "m=16,t=2" in connection.execute(text("SELECT password_hash FROM accounts")).scalar_one()
    assert office.signed_in().person.id == "wang"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "5 letters; use 15 to 200"),
        ("a" * 201, "201 letters"),
        ("aaaaaaaaaaaaaaaa", "guessed"),
        ("my name is wang 1234", "guessed"),
    ],
)
def test_a_weak_password_is_refused_with_what_to_do(office: Office, password: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        office.people.add(a_person(Role.DISPATCHER, "wang"), password)


@pytest.mark.parametrize(
    ("name", "role"), [("Wang", Role.OPS), ("w", Role.OPS), ("a b", Role.OPS), ("wang", Role.RESIDENT), ("cam", Role.SYSTEM)]
)
def test_an_account_needs_a_plain_name_and_a_role_of_the_console(office: Office, name: str, role: Role) -> None:
    with pytest.raises(UserError):
        office.people.add(a_person(role, name), PASSWORD)


def test_a_second_account_of_the_name_is_refused(office: Office) -> None:
    office.wang()
    with pytest.raises(UserError, match="there is an account 'wang'"):
        office.wang()


def test_a_units_person_knows_the_units_below_theirs(office: Office) -> None:
    office.people.add(a_person(Role.UNIT, "li", unit="sanitation-city"), PASSWORD)
    assert office.signed_in("li").person.below == ("crew-7", "sanitation-370202")


def test_a_session_outlives_the_process_that_began_it(office: Office) -> None:
    office.wang()
    token = office.signed_in().token
    assert Office(office.database, office.now).people.session(token) == office.people.accounts()[0].person
    assert office.people.session(token + "x") is None


def test_a_session_slides_with_use_and_ends_unused_and_in_any_case_after_a_week(office: Office) -> None:
    office.wang()
    used, unused = office.signed_in().token, office.signed_in().token
    for _ in range(LASTS_MS // (IDLE_MS - 1)):
        office.now += IDLE_MS - 1
        assert office.people.session(used)
    assert office.people.session(unused) is None
    office.now += IDLE_MS - 1
    assert office.people.session(used) is None


def test_using_a_session_is_written_at_most_once_a_minute(office: Office) -> None:
    office.wang()
    token, began = office.signed_in().token, office.now
    office.now += SEEN_EVERY_MS - 1
    office.people.session(token)
    with office.database.read() as connection:
        assert connection.execute(text("SELECT seen_at FROM sessions")).scalar_one() == began


def test_signing_out_ends_one_session_and_everywhere_all_of_the_account(office: Office) -> None:
    office.wang()
    one, two, three = (office.signed_in().token for _ in range(3))
    assert office.people.sign_out(one) == 1
    assert [bool(office.people.session(token)) for token in (one, two, three)] == [False, True, True]
    assert office.people.sign_out_everywhere("wang") == 2
    assert not any(office.people.session(token) for token in (one, two, three))


def test_a_new_password_and_disabling_end_every_session(office: Office) -> None:
    office.wang()
    before = office.signed_in().token
    office.people.set_password("wang", "another long password")
    assert office.people.session(before) is None
    after = office.tried("another long password")
    assert isinstance(after, SignedIn)
    office.people.disable("wang")
    assert office.people.session(after.token) is None
    assert isinstance(office.tried("another long password"), Refused)
    office.people.enable("wang")
    assert isinstance(office.tried("another long password"), SignedIn)


OTHER = "a lantern behind seven dunes"


def changed(office: Office, session: SignedIn, old: str = PASSWORD, new: str = OTHER) -> int | Refused:
    """An attempt of whoever sits at this session."""
    return office.people.change_password(session.person.id, old, new, "10.0.0.1", session.token)


def test_who_knows_the_old_password_gives_themselves_another_and_stays_signed_in_here_only(office: Office) -> None:
    office.wang()
    office.people.add(a_person(Role.OPS, "li"), PASSWORD)
    elsewhere, colleague, here = office.signed_in(), office.signed_in("li"), office.signed_in()
    assert changed(office, here) == 1
    assert [bool(office.people.session(each.token)) for each in (here, elsewhere, colleague)] == [True, False, True]
    assert isinstance(office.tried(), Refused)
    assert isinstance(office.tried(OTHER), SignedIn)


def test_a_wrong_old_password_changes_nothing_and_counts_as_a_failed_sign_in(office: Office) -> None:
    office.wang()
    here = office.signed_in()
    refused = [changed(office, here, "a guess at the desk") for _ in range(HERE.free)]
    assert refused == [Refused(0, "wang")] * HERE.free
    waits = (changed(office, here), office.tried())
    assert all(isinstance(each, Refused) and each.wait_ms > 0 for each in waits)
    office.now += 60_000
    assert isinstance(office.tried(), SignedIn)


@pytest.mark.parametrize(("new", "why"), [("short", "15 to 200"), ("aaaaaaaaaaaaaaaa", "guessed"), (PASSWORD, "is the old one")])
def test_a_new_password_of_ones_own_is_held_to_the_same_rules(office: Office, new: str, why: str) -> None:
    office.wang()
    with pytest.raises(UserError, match=why):
        changed(office, office.signed_in(), new=new)


def test_a_password_given_at_the_shell_meanwhile_is_not_written_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.wang()
    here, verify = office.signed_in(), office.people._is

    def slow(stored: str, password: str) -> bool:
        found = verify(stored, password)
        office.people.set_password("wang", "given at the shell")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(office.people, "_is", slow)
        assert isinstance(changed(office, here), Refused)
    assert isinstance(office.tried("given at the shell"), SignedIn)

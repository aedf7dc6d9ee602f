"""Accounts, sessions, tokens and attempts on both databases."""

import threading
from dataclasses import dataclass, field

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from adapters.attempts import ACCOUNT, HERE
from adapters.database import Database
from adapters.people import IDLE_MS, LASTS_MS, SEEN_EVERY_MS, People, Refused, SignedIn
from adapters.tokens import DAY_MS, PREFIX, Tokens
from incidents.errors import UserError
from incidents.rights import Permission, Person
from incidents.vocabulary import Role
from tests.console.door import PASSWORD, QUICK, a_person

PARENTS = {"sanitation-city": None, "sanitation-370202": "sanitation-city", "crew-7": "sanitation-370202", "parks-city": None}


@dataclass
class Office:
    """People and tokens whose clock the test turns."""

    database: Database
    now: int = 1_800_000_000_000
    people: People = field(init=False)
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.database, PARENTS, QUICK, lambda: self.now)
        self.tokens = Tokens(self.database, self.people, lambda: self.now)

    def wang(self) -> Person:
        """An account that is there."""
        self.people.add(a_person(Role.DISPATCHER, "wang", level="district", district="370202"), PASSWORD)
        return self.people.accounts()[0].person

    def tried(self, password: str = PASSWORD, account: str = "wang", address: str = "10.0.0.1") -> SignedIn | Refused:
        """One attempt."""
        return self.people.sign_in(account, password, address)

    def signed_in(self, account: str = "wang") -> SignedIn:
        """An attempt that must be right."""
        found = self.tried(account=account)
        assert isinstance(found, SignedIn)
        return found


@pytest.fixture
def office(databases: Database) -> Office:
    """An office on each engine in turn."""
    return Office(databases)


# --- accounts ---------------------------------------------------------------------------------------------------------------------


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


# --- sessions ---------------------------------------------------------------------------------------------------------------------


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


# --- attempts ---------------------------------------------------------------------------------------------------------------------


def _wait(office: Office, **where: str) -> int:
    found = office.tried("wrong", **where)
    assert isinstance(found, Refused)
    return found.wait_ms


def test_guessing_is_slowed_down_more_and_more_and_never_for_good(office: Office) -> None:
    office.wang()
    assert [_wait(office) for _ in range(HERE.free)] == [0] * HERE.free
    waits = []
    for _ in range(14):
        waits.append(_wait(office))
        office.now += waits[-1]
        assert _wait(office) == 0
    assert waits[:4] == [1_000, 2_000, 4_000, 8_000]
    assert waits[-1] == HERE.most_s * 1_000
    office.now += HERE.most_s * 1_000
    assert office.signed_in()
    assert _wait(office) == 0


def test_while_it_is_slowed_down_not_even_the_right_password_is_looked_at(office: Office) -> None:
    office.wang()
    for _ in range(HERE.free):
        _wait(office)
    assert isinstance(office.tried(), Refused)


def test_who_guesses_elsewhere_does_not_shut_out_the_owner_for_more_than_a_minute(office: Office) -> None:
    office.wang()
    for number in range(ACCOUNT.free + 10):
        _wait(office, address=f"10.0.1.{number}")
        office.now += 1
    found = office.tried(address="10.0.0.9")
    assert isinstance(found, Refused)
    assert 0 < found.wait_ms <= ACCOUNT.most_s * 1_000
    office.now += found.wait_ms
    assert isinstance(office.tried(address="10.0.0.9"), SignedIn)


def test_many_attempts_at_once_do_not_slip_through(office: Office) -> None:
    office.wang()
    looked_at: list[int] = []
    threads = [threading.Thread(target=lambda: looked_at.append(_wait(office))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looked_at.count(0) == HERE.free


# --- tokens -----------------------------------------------------------------------------------------------------------------------

CAMERA = a_person(Role.SYSTEM, "camera gateway", kind="token", scopes={Permission.REPORT})


def test_a_token_is_its_person_until_it_ends(office: Office) -> None:
    identity, token = office.tokens.create(CAMERA, 30)
    assert token.startswith(PREFIX)
    assert len(token) == len(PREFIX) + 43
    assert office.tokens.find(token) == CAMERA.model_copy(update={"id": f"token:{identity}"})
    assert office.tokens.find(token[:-1] + "_") is None
    office.now += 30 * DAY_MS
    assert office.tokens.find(token) is None


def test_a_tokens_last_use_is_known(office: Office) -> None:
    _, token = office.tokens.create(CAMERA, 30)
    assert office.tokens.tokens()[0].used_at is None
    office.now += 5
    office.tokens.find(token)
    assert office.tokens.tokens()[0].used_at == office.now


def test_a_revoked_token_is_nobodys_and_stays_listed(office: Office) -> None:
    identity, token = office.tokens.create(CAMERA, 30)
    office.tokens.revoke(identity)
    assert office.tokens.find(token) is None
    assert [(each.id, each.revoked_at) for each in office.tokens.tokens()] == [(identity, office.now)]


def test_a_rotated_token_works_on_beside_the_new_one_for_the_overlap(office: Office) -> None:
    identity, old = office.tokens.create(CAMERA, 30)
    fresh, new = office.tokens.rotate(identity, 30, overlap_hours=24)
    assert [bool(office.tokens.find(token)) for token in (old, new)] == [True, True]
    office.now += DAY_MS
    assert [bool(office.tokens.find(token)) for token in (old, new)] == [False, True]
    assert {each.id: each.follows for each in office.tokens.tokens()} == {identity: None, fresh: identity}
    with pytest.raises(UserError, match="has ended"):
        office.tokens.rotate(identity, 30, overlap_hours=24)


@pytest.mark.parametrize(
    ("role", "scopes", "days", "why"),
    [
        (Role.SYSTEM, {Permission.READ}, 30, "role system may not read; it may"),
        (Role.SYSTEM, set(), 30, "name what the token is for"),
        (Role.RESIDENT, {Permission.REPORT}, 30, "it may nothing"),
        (Role.OPS, {Permission.READ}, 0, "1 to 366 days, not 0"),
        (Role.OPS, {Permission.READ}, 367, "1 to 366 days"),
    ],
)
def test_a_token_beyond_its_role_or_without_an_end_is_refused(
    office: Office, role: Role, scopes: set[Permission], days: int, why: str
) -> None:
    with pytest.raises(UserError, match=why):
        office.tokens.create(a_person(role, kind="token", scopes=scopes), days)


def test_an_id_that_is_none_is_named_with_where_to_look(office: Office) -> None:
    for act in (office.tokens.revoke, lambda identity: office.tokens.rotate(identity, 1, 1)):
        with pytest.raises(UserError, match="no token 'x'; `cityloop tokens list`"):
            act("x")
    for change in (office.people.disable, lambda account: office.people.set_password(account, PASSWORD)):
        with pytest.raises(UserError, match="no account 'x'; `cityloop accounts list`"):
            change("x")

"""Tokens on both databases."""

import pytest

from adapters.tokens import DAY_MS, PREFIX
from incidents.errors import UserError
from incidents.rights import Permission
from incidents.vocabulary import Role
from tests.adapters.office import Office
from tests.console.door import PASSWORD, a_person

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

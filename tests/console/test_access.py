"""The console's door: sessions and tokens, pages of other sites, rates, and every role against every permission."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import Depends, FastAPI

from adapters.database import open_database
from adapters.journal import Journal
from adapters.journal_reading import Wanted, entries
from config.load import load_city
from config.settings import Settings
from console.access import COOKIE, CSRF_HEADER, Access, Allowed
from console.edge import Edge
from console.problems import add_problems
from console.routes import journal as journal_routes
from console.routes import session as session_routes
from console.routes.session import UNKNOWN
from console.world import World
from incidents.journal import Kind
from incidents.rights import BLIND, EVERYTHING, RIGHTS, Permission
from incidents.vocabulary import Role
from tests.console.door import PASSWORD, a_door, a_journal, a_person, bearer
from tests.console.serving import served
from tests.waiting import until

SESSION = "/api/v1/session"
NOWHERE = "redis://127.0.0.1:1/0"


@dataclass
class Desk:
    """A console with the routes of this area, and one route per permission at `/ask/<permission>`."""

    settings: Settings
    access: Access
    journal: Journal
    client: httpx.Client

    def account(self, name: str = "wang", role: Role = Role.DISPATCHER, **place: object) -> None:
        """A new account."""
        self.access.people.add(a_person(role, name, **place), PASSWORD)

    def sign_in(self, name: str = "wang", password: str = PASSWORD) -> httpx.Response:
        """One attempt; the client keeps the cookie."""
        return self.client.post(SESSION, json={"account": name, "password": password})

    def told(self) -> list[tuple[str, str]]:
        """Kind and person of the journal's entries, oldest first."""
        found = entries(self.journal.database, self.journal.city, EVERYTHING, Wanted(), 100)
        return [(each["kind"], each["person"]) for each in reversed(found)]


@contextlib.contextmanager
def a_desk(folder: Path, **changes: object) -> Iterator[Desk]:
    """A desk with a database of its own; without Redis unless `redis_url` says where."""
    settings = Settings.model_validate({"local_dir": folder, "redis_url": NOWHERE, **changes})
    with contextlib.closing(open_database(settings)) as database:
        database.upgrade()
        access = a_door(settings, load_city(settings), database)
        with contextlib.closing(a_journal(settings, database, folder)) as journal:
            world = SimpleNamespace(access=access, journal=journal, database=database)
            with served(_app(world)) as client:
                yield Desk(settings, access, journal, client)


def _app(world: SimpleNamespace) -> FastAPI:
    app = FastAPI()
    app.state.world = world
    app.add_middleware(Edge)
    add_problems(app)
    for area in (session_routes, journal_routes):
        app.include_router(area.router(as_world(world)))
    for permission in Permission:
        app.add_api_route(f"/ask/{permission}", lambda: "yes", methods=["GET", "POST"], dependencies=[Depends(Allowed(permission))])
    return app


def as_world(ports: object) -> World:
    """The ports that these routes take from a world; they take no other."""
    return ports  # type: ignore[return-value]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk."""
    with a_desk(tmp_path) as made:
        yield made


# --- sessions ---------------------------------------------------------------------------------------------------------------------


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_never_get(desk: Desk) -> None:
    desk.account(district="370202", level="district")
    answer = desk.sign_in()
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in (f"{COOKIE}=", "HttpOnly", "SameSite=strict", "Path=/"))
    assert answer.json()["person"]["district"] == "370202"
    assert "command" in answer.json()["permissions"]
    assert "dispatch" in answer.json()["commands"]
    assert desk.client.get(SESSION).json() == answer.json()
    assert desk.told() == [(Kind.SIGNED_IN, "wang")]


def test_over_https_the_cookie_is_secure(desk: Desk) -> None:
    desk.account()
    desk.client.headers["X-Forwarded-Proto"] = "https"  # by a proxy on this machine
    assert "Secure" in desk.sign_in().headers["set-cookie"]


def test_nobody_is_told_what_to_do_about_it(desk: Desk) -> None:
    answer = desk.client.get(SESSION)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "sign in at /login" in answer.json()["detail"]


def test_a_wrong_password_is_401_and_journalled_without_what_was_typed(desk: Desk) -> None:
    desk.account()
    assert desk.sign_in(password="wrong").status_code == 401
    assert desk.sign_in(name="my password by mistake").status_code == 401
    assert desk.told() == [(Kind.SIGN_IN_FAILED, "wang"), (Kind.SIGN_IN_FAILED, UNKNOWN)]


def test_guessing_is_answered_with_when_to_go_on(desk: Desk) -> None:
    desk.account()
    answers = [desk.sign_in(password="wrong") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) == 1


def test_signing_out_ends_the_session_here_at_once_and_everywhere_on_demand(desk: Desk) -> None:
    desk.account()
    other = desk.sign_in().cookies[COOKIE]
    csrf = desk.sign_in().json()["csrf"]
    assert desk.client.delete(SESSION, params={"everywhere": True}, headers={CSRF_HEADER: csrf}).status_code == 204
    assert desk.client.get(SESSION).status_code == 401
    assert desk.client.get(SESSION, headers={"Cookie": f"{COOKIE}={other}"}).status_code == 401
    assert desk.told()[-1] == (Kind.SIGNED_OUT, "wang")


@pytest.mark.parametrize("header", [{}, {CSRF_HEADER: "guessed"}])
def test_a_cookie_alone_changes_nothing(desk: Desk, header: dict[str, str]) -> None:
    desk.account()
    desk.sign_in()
    assert desk.client.get("/ask/command").status_code == 200
    answer = desk.client.post("/ask/command", headers=header)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:cityloop:problem:csrf")
    assert desk.client.delete(SESSION, headers=header).status_code == 403


def test_the_csrf_of_one_session_is_worth_nothing_in_another(desk: Desk) -> None:
    desk.account()
    first, second = desk.sign_in().json()["csrf"], desk.sign_in().json()["csrf"]
    assert desk.client.post("/ask/command", headers={CSRF_HEADER: first}).status_code == 403
    assert desk.client.post("/ask/command", headers={CSRF_HEADER: second}).status_code == 200


# --- one's own password -----------------------------------------------------------------------------------------------------------

OTHER = "a lantern behind seven dunes"


def change(desk: Desk, csrf: str, old: str = PASSWORD, new: str = OTHER) -> httpx.Response:
    """One attempt of whoever is signed in."""
    return desk.client.post("/api/v1/password", json={"old": old, "new": new}, headers={CSRF_HEADER: csrf})


def test_a_person_changes_their_own_password_and_is_signed_out_elsewhere_only(desk: Desk) -> None:
    desk.account(district="370202", level="district")
    elsewhere = desk.sign_in().cookies[COOKIE]
    csrf = desk.sign_in().json()["csrf"]
    answer = change(desk, csrf)
    assert (answer.status_code, answer.json()) == (200, {"ended": 1})
    assert desk.client.get(SESSION).json()["csrf"] == csrf
    assert desk.client.get(SESSION, headers={"Cookie": f"{COOKIE}={elsewhere}"}).status_code == 401
    assert [desk.sign_in(password=each).status_code for each in (PASSWORD, OTHER)] == [401, 200]
    assert desk.told()[2] == (Kind.ACCOUNT, "wang")


def test_a_wrong_old_password_is_told_journalled_and_slowed_down(desk: Desk) -> None:
    desk.account()
    csrf = desk.sign_in().json()["csrf"]
    answers = [change(desk, csrf, old="not what it was") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert answers[0].json()["type"] == "urn:cityloop:problem:wrong_password"
    assert int(answers[-1].headers["retry-after"]) == 1
    assert desk.told()[1:] == [(Kind.SIGN_IN_FAILED, "wang")] * 5
    assert desk.client.get(SESSION).status_code == 200


def test_neither_a_token_nor_another_site_changes_a_password(desk: Desk) -> None:
    desk.account()
    desk.sign_in()
    assert change(desk, "guessed").json()["type"] == "urn:cityloop:problem:csrf"
    desk.client.cookies.clear()
    given = {"old": PASSWORD, "new": OTHER}
    answer = desk.client.post("/api/v1/password", json=given, headers=bearer(desk.access, Role.DISPATCHER))
    assert (answer.status_code, "cityloop tokens rotate" in answer.json()["detail"]) == (403, True)


def test_an_easy_new_password_is_refused_without_being_repeated(desk: Desk) -> None:
    desk.account()
    answer = change(desk, desk.sign_in().json()["csrf"], new="wang wang wang wang")
    assert answer.status_code == 422
    assert "easily guessed" in answer.json()["detail"] and "wang wang" not in answer.text


# --- tokens -----------------------------------------------------------------------------------------------------------------------


def test_a_token_needs_no_csrf_and_has_no_session_to_end(desk: Desk) -> None:
    headers = bearer(desk.access, Role.DISPATCHER)
    assert desk.client.post("/ask/command", headers=headers).status_code == 200
    assert desk.client.get(SESSION, headers=headers).json()["csrf"] is None
    assert desk.client.delete(SESSION, headers=headers).status_code == 403


@pytest.mark.parametrize("value", ["Bearer clt_nothing", "Bearer", "Bearer nothing", "Basic d2FuZzp3YW5n", "bearer\tclt_x"])
def test_what_is_no_token_lets_nobody_in(desk: Desk, value: str) -> None:
    assert desk.client.get(SESSION, headers={"Authorization": value}).status_code == 401


def test_a_session_is_no_token_and_a_token_no_session(desk: Desk) -> None:
    desk.account()
    session = desk.sign_in().cookies[COOKIE]
    desk.client.cookies.clear()
    token = bearer(desk.access, Role.DISPATCHER)["Authorization"].removeprefix("Bearer ")
    assert desk.client.get(SESSION, headers={"Authorization": f"Bearer {session}"}).status_code == 401
    assert desk.client.get(SESSION, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert desk.client.get(SESSION, headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


def test_a_revoked_token_is_soon_out(desk: Desk) -> None:
    headers = bearer(desk.access, Role.DISPATCHER)
    assert desk.client.get(SESSION, headers=headers).status_code == 200
    desk.access.tokens.revoke(desk.access.tokens.tokens()[0].id)
    until(lambda: desk.client.get(SESSION, headers=headers).status_code == 401, "the token to be out")


def test_a_token_is_held_to_its_scopes(desk: Desk) -> None:
    headers = bearer(desk.access, Role.DISPATCHER, frozenset({Permission.READ}))
    assert desk.client.get("/ask/read", headers=headers).status_code == 200
    answer = desk.client.get("/ask/command", headers=headers)
    assert (answer.status_code, answer.json()["permission"]) == (403, "command")
    assert "scopes: read" in answer.json()["detail"]


# --- every role, every permission -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_through_exactly_the_doors_of_the_table(desk: Desk, role: Role) -> None:
    """As an account, and as a token with all its scopes; a resident can have neither."""
    if role not in BLIND:
        desk.account(role=role, unit="sanitation-370202")
        desk.sign_in()
        assert {each for each in Permission if desk.client.get(f"/ask/{each}").status_code == 200} == RIGHTS[role]
        desk.client.cookies.clear()
    if RIGHTS[role]:
        headers = bearer(desk.access, role)
        answers = {each: desk.client.get(f"/ask/{each}", headers=headers).status_code for each in Permission}
        assert answers == {each: 200 if each in RIGHTS[role] else 403 for each in Permission}


# --- rates ------------------------------------------------------------------------------------------------------------------------


def test_every_answer_says_how_many_requests_are_left_and_the_one_too_many_when_to_go_on(tmp_path: Path) -> None:
    with a_desk(tmp_path, rate_token=3) as desk:
        headers = bearer(desk.access, Role.DISPATCHER)
        answers = [desk.client.get("/ask/read", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert answers[-1].headers["retry-after"] == answers[-1].headers["ratelimit-reset"]
        assert desk.client.get("/ask/read", headers=bearer(desk.access, Role.DISPATCHER)).status_code == 200


def test_who_tries_token_after_token_is_stopped_by_address(tmp_path: Path) -> None:
    with a_desk(tmp_path, rate_address=3) as desk:
        tried = [desk.client.get(SESSION, headers={"Authorization": f"Bearer clt_{number}"}).status_code for number in range(5)]
        assert tried == [401, 401, 401, 429, 429]


@pytest.mark.stack
def test_consoles_count_together_in_redis(tmp_path: Path, redis_server: str) -> None:
    namespace = f"{tmp_path.name.replace('_', '-')}."
    here = {"rate_token": 3, "redis_url": redis_server, "namespace": namespace}
    with a_desk(tmp_path, **here) as one, a_desk(tmp_path, **here) as two:
        headers = bearer(one.access, Role.DISPATCHER)
        codes = [desk.client.get("/ask/read", headers=headers).status_code for desk in (one, two, one, two)]
        assert codes == [200, 200, 200, 429]


# --- the journal's reading side ---------------------------------------------------------------------------------------------------


def test_an_auditor_reads_who_opened_what_and_a_districts_auditor_their_districts(desk: Desk) -> None:
    for number, district in enumerate(("370202", "370203", "370202")):
        desk.journal.append(Kind.UNSEALED, "wang", {"case_id": f"QD-{number}", "district": district, "purpose": "call back 13812345678"})
    city, shinan = bearer(desk.access, Role.AUDITOR), bearer(desk.access, Role.AUDITOR, level="district", district="370202")

    def read(headers: dict[str, str], **params: str) -> list[str]:
        answer = desk.client.get("/api/v1/journal", headers=headers, params={"kind": "unsealed", **params})
        return [entry["what"]["case_id"] for entry in answer.json()["entries"]]

    assert read(city) == ["QD-2", "QD-1", "QD-0"]
    assert read(shinan) == ["QD-2", "QD-0"]
    assert read(shinan, case="QD-1") == []
    assert read(city, person="wang", case="QD-1") == ["QD-1"]
    assert "13812345678" not in desk.client.get("/api/v1/journal", headers=city).text


def test_the_journal_is_read_page_by_page(desk: Desk) -> None:
    for number in range(5):
        desk.journal.append(Kind.COMMAND, "wang", {"n": number})
    headers, before = bearer(desk.access, Role.AUDITOR), None
    numbers: list[int] = []
    while numbers == [] or before:
        page = desk.client.get("/api/v1/journal", headers=headers, params={"limit": 2} | ({"before": before} if before else {})).json()
        numbers += [entry["sequence"] for entry in page["entries"]]
        before = page["next"]
    assert numbers == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    "asked", ["since=0001-01-01T00:00:00%2B14:00", "case=%00", "kind=nothing", "limit=0", "before=99999999999999999999"]
)
def test_what_the_journal_cannot_be_asked_is_422(desk: Desk, asked: str) -> None:
    answer = desk.client.get(f"/api/v1/journal?{asked}", headers=bearer(desk.access, Role.AUDITOR))
    assert answer.status_code == 422

"""Made from the OpenAPI document: nobody of one district, or subdistrict, reaches or is shown anything of another (OWASP API1:2023).

Whatever address is added is asked, too: one with a kind of id that is not in `KINDS` fails, and so does one that answers for a foreign id.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi import Path as InPath

from console import app as application
from console.access import CanRead
from console.world import World
from incidents.vocabulary import Role
from tests.api.offices import DISTRICTS, SUBDISTRICTS, WORDS, Offices, offices
from tests.api.town import SPOT, UNIT, place_of

pytestmark = pytest.mark.stack

KINDS = {"case_id", "sha256", "unit", "command_id", "silence_id"}
"""Parameters of an address that name something of a district."""
SHARED = {"mapping"}
"""Those that name something of the whole city."""
LEAKS = ("/api/v1/cases/{case_id}/weather", "/api/v1/crews/{crew_id}")
"""Addresses without a check, added to show that they are found out."""
IN_BODIES = {"case_id", "into", "other"}
Document = dict[str, Any]


def leaky(world: World) -> APIRouter:
    """What somebody in a hurry might add: an address that asks for a permission, and not whose case it is."""
    area = APIRouter()

    @area.get(LEAKS[0])
    def weather(case_id: Annotated[str, InPath()], person: CanRead) -> str:
        return f"sunny at {case_id}"

    @area.get(LEAKS[1])
    def crew(crew_id: Annotated[str, InPath()], person: CanRead) -> str:
        return crew_id

    return area


@pytest.fixture(scope="module", params=[DISTRICTS, SUBDISTRICTS], ids=["districts", "subdistricts"])
def desks(request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "ROUTERS", (*application.ROUTERS, leaky))
        with offices(redis_server, tmp_path_factory.mktemp("offices"), request.param) as made:
            yield made


def document_of(desks: Offices) -> Document:
    """The document as it is served."""
    with desks.console.client as nobody:
        found: Document = nobody.get("/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def document(desks: Offices) -> Document:
    """The document as it is served."""
    return document_of(desks)


def operations(document: Document, *, named: bool) -> Iterator[tuple[str, str, Document]]:
    """Method, path and description of those whose address names something, or of the others."""
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            if ("{" in path) is named:
                yield method, path, said


def body_of(document: Document, said: Document) -> tuple[str, Any] | None:
    """Media type and example of a request's body."""
    for media_type, content in said.get("requestBody", {}).get("content", {}).items():
        reference = content["schema"].get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"].get(reference, content["schema"])
        shown = content.get("example") or next((each["value"] for each in content.get("examples", {}).values()), None)
        return media_type, shown or schema.get("example") or schema["examples"][0]
    return None


def renamed(value: Any, ids: dict[str, str], key: str) -> Any:
    """An example with the ids of these things in it, and an idempotency key that nobody used."""
    if isinstance(value, list):
        return [renamed(each, ids, key) for each in value]
    if not isinstance(value, dict):
        return value
    put = {**dict.fromkeys(IN_BODIES, ids["case_id"]), "id": key}
    return {name: put.get(name) or renamed(each, ids, key) for name, each in value.items()}


class Asking:
    """Asks operations of the document with the ids of one side, as people of the own one."""

    def __init__(self, desks: Offices, document: Document) -> None:
        self._desks, self._document, self._number = desks, document, 0

    def ask(self, role: Role, operation: tuple[str, str, Document], of: str, **query: Any) -> httpx.Response:
        """The answer to someone of the own side in this role who names things of `of`."""
        method, path, said = operation
        ids, self._number = self._desks.ids[of], self._number + 1
        address = path
        for name in KINDS | SHARED:
            address = address.replace(f"{{{name}}}", ids.get(name, "hotline12345"))
        wanted = {each["name"]: each for each in said.get("parameters", ()) if each["required"] and each["in"] == "query"}
        params = {name: (each.get("example") or each["schema"]["examples"][0]) for name, each in wanted.items()} | query
        return self._desks.people[self._desks.own][role].request(method, address, params=params, **self._body(said, ids))

    def _body(self, said: Document, ids: dict[str, str]) -> dict[str, Any]:
        found = body_of(self._document, said)
        if found is None:
            return {}
        media_type, example = found
        body = renamed(example, ids, f"try-{self._number}")
        if media_type == "multipart/form-data":
            return {"files": {"file": ("p.jpg", b"\xff\xd8", "image/jpeg")}, "data": {name: body[name] for name in body if name != "file"}}
        return {"json": body}

    def trespasses(self, operation: tuple[str, str, Document]) -> Iterator[str]:
        """What is wrong with an operation whose address names something."""
        method, path, _ = operation
        unknown = {part[1:-1] for part in path.split("/") if part.startswith("{")} - KINDS - SHARED
        if unknown:
            yield f"{method} {path}: what is a foreign {unknown.pop()}? Say so in KINDS"
            return
        if not any(f"{{{kind}}}" in path for kind in KINDS):
            return
        roles = self._desks.people[self._desks.own]
        foreign = {role: self.ask(role, operation, self._desks.foreign).status_code for role in roles}
        own = {role: self.ask(role, operation, self._desks.own).status_code for role in roles}
        wrong = {role: status for role, status in foreign.items() if status not in (403, 404)}
        if wrong:
            yield f"{method} {path}: a foreign id answers {wrong}"
        if 404 not in foreign.values():
            yield f"{method} {path}: nobody was told 404, so nothing was tried: {foreign}"
        if all(status in (403, 404) for status in own.values()):
            yield f"{method} {path}: nobody reaches their own, so nothing was tried: {own}"


@pytest.fixture(scope="module")
def asking(desks: Offices, document: Document) -> Asking:
    return Asking(desks, document)


def test_a_foreign_id_is_not_found_whatever_the_address_and_the_role(asking: Asking, document: Document) -> None:
    asked = [operation for operation in operations(document, named=True) if operation[1] not in LEAKS]
    assert [wrong for operation in asked for wrong in asking.trespasses(operation)] == []


def test_a_command_names_no_foreign_case_anywhere_in_its_body(desks: Offices) -> None:
    own, foreign, people = desks.ids[desks.own]["case_id"], desks.ids[desks.foreign]["case_id"], desks.people[desks.own]
    for number, told in enumerate(({"type": "merge", "into": foreign}, {"type": "confirm_duplicate", "other": foreign})):
        answer = people[Role.DISPATCHER].post(f"/api/v1/cases/{own}/commands", json={**told, "id": f"cross-{number}"})
        assert answer.status_code == 404
    many = people[Role.DISPATCHER].post(
        "/api/v1/commands", json={"commands": [{"id": "m", "case_id": foreign, "type": "note", "note": "x"}]}
    )
    assert [each["status"] for each in many.json()["outcomes"]] == [404]


def test_a_picture_of_another_district_proves_nothing(desks: Offices) -> None:
    case_id, sha256 = desks.ids[desks.own]["case_id"], desks.ids[desks.foreign]["sha256"]
    answer = desks.people[desks.own][Role.UNIT].post(
        f"/api/v1/cases/{case_id}/commands", json={"type": "report_handled", "id": "steal", "evidence": [{"sha256": sha256}]}
    )
    assert answer.status_code == 409 and "no picture" in answer.json()["reason"]


def asked_for(desks: Offices) -> dict[str, list[str]]:
    """What somebody would write into a filter to get at the foreign side."""
    foreign, ids = desks.foreign, desks.ids[desks.foreign]
    lon, lat = SPOT[foreign]
    return {
        "district": [place_of(foreign)["district"]],
        "unit": [UNIT[foreign]],
        "q": [WORDS[foreign], UNIT[foreign]],
        "bbox": [f"{lon - 0.1:.3f},{lat - 0.1:.3f},{lon + 0.1:.3f},{lat + 0.1:.3f}"],
        "lon": [str(lon)],
        "by": ["unit", "subdistrict", "district", "category", "city"],
        "person": ["token:1"],
        "id": [ids["case_id"]],
        "case": [ids["case_id"]],
        "exclude": [desks.ids[desks.own]["case_id"]],
    }


def variants(desks: Offices, said: Document) -> Iterator[dict[str, Any]]:
    """Queries of a list: plain, and for each filter that could name something foreign with that."""
    named = asked_for(desks)
    yield {}
    for parameter in said.get("parameters", ()):
        for value in named.get(parameter["name"], ()) if parameter["in"] == "query" else ():
            yield {parameter["name"]: value}


def test_no_list_search_map_export_or_figure_shows_anything_of_another_district(asking: Asking, desks: Offices, document: Document) -> None:
    shown, tried = [], 0
    for operation in operations(document, named=False):
        method, path, said = operation
        if method != "get" or path.endswith("/feed"):
            continue
        for role in desks.people[desks.own]:
            for query in variants(desks, said):
                answer = asking.ask(role, operation, desks.foreign, **query)
                tried += answer.status_code == 200
                told = [secret for secret in desks.everything_foreign if secret not in query.values()]  # a refusal names what was asked
                shown += [(path, role, query, secret) for secret in told if secret in answer.text]
    assert shown == []
    assert tried > 100


def test_the_same_lists_show_everything_to_who_sees_the_whole_city(desks: Offices) -> None:
    with desks.console.as_(Role.SHIFT_LEAD) as lead:
        for path in ("cases", "map", "exports/cases.csv", "exports/cases.geojson"):
            text = lead.get(f"/api/v1/{path}").text
            assert all(case_id in text for case_id in desks.town.desks), path
        assert sum(lead.get("/api/v1/counts").json()["districts"].values()) == 10
    assert desks.people[desks.own][Role.SHIFT_LEAD].get("/api/v1/counts").json()["districts"] == {place_of(desks.own)["district"]: 5}


def test_the_feed_tells_of_no_other_district(desks: Offices) -> None:
    last = desks.cases(desks.own)[-1]
    for role in (Role.DISPATCHER, Role.UNIT, Role.CHECKER):
        told = ""
        with desks.people[desks.own][role].stream("GET", "/api/v1/feed", params={"cursor": "1-0"}) as feed:
            for piece in feed.iter_text():
                told += piece
                if last in told or "event: resync" in told:
                    break
        assert last in told
        assert not [secret for secret in desks.everything_foreign if secret in told]


def test_an_address_without_a_check_is_found_out(asking: Asking, document: Document) -> None:
    wrong = {
        path: list(asking.trespasses((method, path, said))) for method, path, said in operations(document, named=True) if path in LEAKS
    }
    assert "a foreign id answers" in wrong[LEAKS[0]][0]
    assert "what is a foreign crew_id" in wrong[LEAKS[1]][0]

"""Refusals at the API's edge: problems that say what to do, sizes before anything is read, safe headers even on our own mistakes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from console.edge import CSP, MOST_BYTES, SAFE, Edge, broken
from console.problems import MEDIA_TYPE, Problem, add_problems, not_found
from console.shells import hashes
from incidents.errors import NotReady, TryAgain, UserError


class Body(BaseModel):
    """What the little application takes."""

    number: int


def an_app() -> FastAPI:
    """An application whose every address refuses in another way."""
    app = FastAPI()
    app.add_middleware(Edge)
    add_problems(app)
    app.add_exception_handler(Exception, broken)
    errors: dict[str, Exception] = {
        "problem": Problem(409, "refused", "No", "not now", state="closed"),
        "unknown": not_found("case", "QD-1"),
        "mistake": UserError("unknown unit 'x'; see units.toml"),
        "away": TryAgain("Kafka: no broker"),
        "rebuild": NotReady("the hot store is being rebuilt"),
        "bug": ZeroDivisionError("secret words"),
    }

    @app.get("/{name}")
    def refuse(name: str) -> None:
        raise errors[name]

    @app.post("/body")
    def take(body: Body) -> int:
        return body.number

    return app


def ask(method: str, address: str, **more: Any) -> httpx.Response:
    """The answer of the little application."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(an_app(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            return await client.request(method, address, **more)

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("address", "status", "name", "words"),
    [
        ("/problem", 409, "refused", "not now"),
        ("/unknown", 404, "not_found", "there is no case 'QD-1' that you may see"),
        ("/mistake", 422, "invalid", "unknown unit 'x'; see units.toml"),
        ("/away", 503, "try_again", "Kafka: no broker; the same request may be repeated"),
        ("/rebuild", 503, "try_again", "the hot store is being rebuilt; the same request may be repeated"),
        ("/bug", 500, "broken", "this is a mistake of ours; the process's log says which"),
        ("/no/such", 404, "not_found", "Not Found"),
    ],
)
def test_a_refusal_is_a_problem_that_says_what_to_do(address: str, status: int, name: str, words: str) -> None:
    answer = ask("GET", address)
    found = answer.json()
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, found["status"], found["type"]) == (status, status, f"urn:cityloop:problem:{name}")
    assert found["detail"] == words
    assert found["title"]


def test_further_members_stand_beside_the_others() -> None:
    assert ask("GET", "/problem").json()["state"] == "closed"


def test_who_must_try_again_is_told_when() -> None:
    assert int(ask("GET", "/away").headers["retry-after"]) > 0


def test_a_body_that_is_wrong_is_named_by_place_and_never_repeated() -> None:
    answer = ask("POST", "/body", json={"number": "13800138000x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.number"
    assert "13800138000" not in answer.text


@pytest.mark.parametrize("address", ["/problem", "/bug", "/no/such"])
def test_every_answer_carries_the_policy_and_the_safe_headers(address: str) -> None:
    headers = ask("GET", address).headers
    assert headers["content-security-policy"] == CSP
    assert {name: headers[name] for name in SAFE} == SAFE


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(MOST_BYTES // 50_000 + 2):
        yield b" " * 50_000


@pytest.mark.parametrize("content", [lambda: b" " * (MOST_BYTES + 1), _pieces], ids=["declared", "in pieces"])
def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(content: Callable[[], Any]) -> None:
    answer = ask("POST", "/body", content=content(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:cityloop:problem:too_large")
    assert str(MOST_BYTES) in answer.json()["detail"]


def test_an_import_map_is_allowed_by_its_hash_and_other_scripts_are_not() -> None:
    assert hashes('<script type="importmap">{"imports":{}}</script><script>alert(1)</script>') == [
        "'sha256-URrTy+Il/Nz0lHojVUx275hWqAWhkSF0VsHbUM4/6Hw='"
    ]

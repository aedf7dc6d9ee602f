"""Refusals as `application/problem+json` (RFC 9457): what is wrong, with which value, and what to do next.

A route raises `Problem`; UserError, TryAgain and NotReady become one by themselves, and so does what FastAPI refuses. `type` is a name of
our own, `urn:cityloop:problem:<slug>`, for programs; `detail` is for people and never repeats a value of a body, which may be personal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from incidents.errors import NotReady, TryAgain, UserError

MEDIA_TYPE = "application/problem+json"
NAMES = "urn:cityloop:problem:"
AGAIN_AFTER_S = 2
SHOWN = 20
"""Most mistakes of one request that an answer lists."""

_TITLES = {
    400: ("bad_request", "The request cannot be read"),
    404: ("not_found", "There is nothing here for you"),
    405: ("method_not_allowed", "This address takes another method"),
    413: ("too_large", "That is too much for one request"),
    415: ("media_type", "This media type is not taken"),
}


class Problem(HTTPException):
    """A refusal; `extras` are further members of the body. An HTTPException, so that FastAPI lets it through wherever it is raised."""

    def __init__(self, status: int, type: str, title: str, detail: str, **extras: Any) -> None:  # noqa: A002  # the RFC's word
        headers: dict[str, str] | None = extras.pop("headers", None)
        super().__init__(status, detail, headers)
        self.type = type
        self.title = title
        self.extras = extras

    def body(self) -> dict[str, Any]:
        """The members of the body."""
        head = {"type": f"{NAMES}{self.type}", "title": self.title, "status": self.status_code, "detail": self.detail}
        return {**head, **self.extras}

    def answer(self, path: str = "") -> Response:
        """The response; below /api/v2 a JSON string, which is all that Alertmanager's clients can read, and 400 for 422."""
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        if path.startswith("/api/v2/"):
            return Response(orjson.dumps(self.detail), 400 if self.status_code == 422 else self.status_code, headers, "application/json")
        return Response(orjson.dumps(self.body(), default=str), self.status_code, headers, MEDIA_TYPE)


def not_found(what: str, name: object) -> Problem:
    """Nothing by this name, or nothing that this person may know of: both sound the same."""
    return Problem(404, "not_found", "Not found", f"there is no {what} {name!r} that you may see")


def add_problems(app: FastAPI) -> None:
    """Make every refusal of the application a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UserError, _mistaken)
    app.add_exception_handler(TryAgain, _away)
    app.add_exception_handler(NotReady, _away)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Problem):
        return error.answer(request.url.path)
    slug, title = _TITLES.get(error.status_code, ("refused", "The request was refused"))
    return Problem(error.status_code, slug, title, str(error.detail), headers=error.headers).answer(request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"where": ".".join(map(str, each["loc"])), "problem": each["msg"]} for each in error.errors()[:SHOWN]]
    detail = "; ".join(f"{each['where']}: {each['problem']}" for each in errors)
    return invalid(detail, errors).answer(request.url.path)


async def _mistaken(request: Request, error: Exception) -> Response:
    return invalid(str(error)).answer(request.url.path)


async def _away(request: Request, error: Exception) -> Response:
    detail = f"{error}; the same request may be repeated"
    return Problem(503, "try_again", "A part of the system does not answer", detail, headers={"Retry-After": str(AGAIN_AFTER_S)}).answer(
        request.url.path
    )


def invalid(detail: str, errors: Sequence[Mapping[str, Any]] = (), **extras: Any) -> Problem:
    """422: understood, and not as it must be; `errors` lists the places."""
    more = {"errors": list(errors[:SHOWN])} if errors else {}
    return Problem(422, "invalid", "The request is not as the interface wants it", detail, **more, **extras)

"""The OpenAPI document: FastAPI's own, and what holds for every operation alike: refusals as problems, who may sign in how, tags.

It is also the law: `known_query` refuses query parameters that it does not name, and `Allow` is read off it (console.methods). Committed
as docs/openapi.json and held by a test.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi

from console.examples import shown
from console.problems import MEDIA_TYPE, invalid

VERSION = "1.0"
PREFIX = "/api/v1"
ALERTMANAGER = "/api/v2"
"""Refuses as Alertmanager does: what its clients can read is a JSON string, and 400 where the rest of the interface says 422."""
COOKIE, CSRF = "cityloop_session", "X-CSRF-Token"
SIGNED = f"{PREFIX}/sources/"
"""Addresses that other systems call: a signature by Standard Webhooks takes the place of a sign-in."""
OPEN = frozenset({("post", f"{PREFIX}/session")})
"""Operations that need no sign-in."""
SAFE = frozenset({"get", "head", "options"})

TAGS = {
    "session": "Signing in and out; accounts and tokens.",
    "cases": "Cases of the person's scope: lists, one, its facts, the map, counts, tasks, likely duplicates.",
    "commands": "What people do with cases: commands with an idempotency key, answered with their outcome.",
    "reports": "Reports in: CloudEvents, and foreign JSON through a mapping of the city.",
    "evidence": "Pictures and documents, stored by their hash.",
    "exports": "Cases taken out as CSV, GeoJSON or a whole file; every one is journalled.",
    "evaluation": "Indicators with counts and rules, and why a report ended up where it did.",
    "feed": "What happens, as it happens: server-sent events.",
    "notices": "Who is told of what: targets, what is on its way or was given up, and why of a case.",
    "alerts": "What other systems say of themselves, and silences: as Alertmanager's clients want them.",
    "units": "Where vehicles, drones and crews are.",
    "people": "Who did what, and who opened what: append-only, chained, signed.",
    "city": "Names, outlines, units, and the rules tried on a case.",
}
DESCRIPTION = """Cases of a city's operations centre, from a sighting to a verified closure.

Sign in with `POST /api/v1/session` (a cookie, and the header `X-CSRF-Token` on everything that is not GET) or send a token
(`Authorization: Bearer …`). A person sees the cases of their scope; any other id is answered 404, as one that does not exist. Personal data
is masked. Times are ISO 8601 in UTC, coordinates WGS-84. Refusals are `application/problem+json` (RFC 9457); `detail` says what to do."""

REFUSALS = {
    "400": ("BadRequest", "bad_request", "the request cannot be read"),
    "401": ("SignedOut", "signed_out", "nobody is signed in, or the session or token is over"),
    "403": ("Forbidden", "forbidden", "the role may not do this, or the token is not for it"),
    "404": ("NotFound", "not_found", "there is nothing here that this person may see"),
    "409": ("Conflict", "conflict", "not now: the detail says why"),
    "410": ("Gone", "gone", "it was there, and is erased"),
    "412": ("Changed", "changed", "it has changed since it was read"),
    "413": ("TooLarge", "too_large", "the body is too large"),
    "415": ("MediaType", "media_type", "this media type is not taken"),
    "422": ("Invalid", "invalid", "a parameter, a field or a name is not as it must be; the detail says which and what would be right"),
    "429": ("TooMany", "too_many", "too many requests; `Retry-After` says when to go on"),
    "503": ("TryAgain", "try_again", "a part of the system does not answer; the same request may be repeated"),
}
"""Status -> name of the shared answer, slug of its problem, what it means."""
GENERIC = (None, "Validation Error", *(HTTPStatus(int(status)).phrase for status in REFUSALS))
"""What FastAPI writes where a route says nothing of its own."""
PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457; further members are named with the answers that have them.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:cityloop:problem:<name>, for programs"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "for people: the thing, the value, the next act"},
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of the application, made once."""
    if app.openapi_schema is None:
        tags = [{"name": name, "description": text} for name, text in TAGS.items()]
        made = get_openapi(title="cityloop", version=VERSION, description=DESCRIPTION, routes=app.routes, tags=tags)
        parts = made.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for replaced in ("HTTPValidationError", "ValidationError"):
            schemas.pop(replaced, None)
        schemas["Problem"] = PROBLEM
        parts["responses"] = {name: _shared(status) for status, (name, _, _) in REFUSALS.items()}
        parts["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            "csrf": {"type": "apiKey", "in": "header", "name": CSRF},
            "token": {"type": "http", "scheme": "bearer"},
            "signature": {"type": "apiKey", "in": "header", "name": "webhook-signature"},
        }
        for name, schema in schemas.items():
            for part in schema.get("properties", {}).values() if name.startswith("Body_") else ():
                _said_or_not(part)
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    is_open = (method, path) in OPEN
    operation["security"] = [] if is_open else [{"session": []} if method in SAFE else {"session": [], "csrf": []}, {"token": []}]
    if path.startswith(SIGNED) and method not in SAFE:
        operation["security"].append({"signature": []})
    for parameter in operation.get("parameters", ()):
        _said_or_not(parameter["schema"])
    answers: dict[str, Any] = operation["responses"]
    wanted = {"401", "422", "429", "503"} | ({"403"} if not is_open else set()) | ({"404"} if "{" in path else set())
    wanted |= {"400", "413", "415"} if "requestBody" in operation else set()
    is_theirs = path.startswith(ALERTMANAGER)
    if is_theirs:
        answers.pop("422", None)
        wanted = wanted - {"415", "422"} | {"400"}
    for status in sorted(wanted | {status for status in answers if status >= "400"}):
        answers[status] = _string(status) if is_theirs else _refusal(status, answers.get(status, {}))
    operation["responses"] = dict(sorted(answers.items()))
    shown(f"{method} {path.removeprefix(PREFIX)}", operation)


def _said_or_not(schema: dict[str, Any]) -> None:
    """What an address, a header or a form says is there or is not; there is no null in it."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]


def _shared(status: str) -> dict[str, Any]:
    _, slug, text = REFUSALS[status]
    example = {"type": f"urn:cityloop:problem:{slug}", "title": text.partition(";")[0], "status": int(status), "detail": text}
    answer: dict[str, Any] = {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return answer


def _string(status: str) -> dict[str, Any]:
    """A refusal in Alertmanager's way."""
    text = REFUSALS[status][2]
    headers = {key: value for key, value in _shared(status).items() if key == "headers"}
    return {"description": text, "content": {"application/json": {"schema": {"type": "string"}, "example": text}}, **headers}


def _refusal(status: str, said: dict[str, Any]) -> dict[str, Any]:
    """An answer of the document: the shared one, or with what the route says of it: words, members, headers."""
    if said.get("description") in GENERIC and MEDIA_TYPE not in said.get("content", {}):
        return {"$ref": f"#/components/responses/{REFUSALS[status][0]}"}
    own = {**_shared(status), **said}
    own["content"] = {MEDIA_TYPE: _shared(status)["content"][MEDIA_TYPE] | said.get("content", {}).get(MEDIA_TYPE, {})}
    return own


def known_query(request: Request) -> None:
    """Raises Problem 422 for a query parameter that the document does not name: a filter misspelt would otherwise show everything."""
    operation = document(request.app)["paths"].get(request.scope["route"].path, {}).get(request.method.lower())
    if operation is None:  # no part of the interface: a page, a probe
        return
    known = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        takes = f"it takes {', '.join(known)}" if known else "it takes none"
        errors = [{"where": f"query.{name[:64]}", "problem": "unknown parameter"} for name in unknown]
        raise invalid(f"unknown query parameter {unknown[0][:64]!r}; {takes}", errors)

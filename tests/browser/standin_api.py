"""The stand-in's HTTP side (tests.browser.standin). `python -m tests.browser.standin_api 2000` serves a city to look at."""

import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.shells import STATIC
from tests.browser.shown import page_routes
from tests.browser.standin import LEAD, TAB_OF, Standin
from tests.browser.standin_city import NOW, ROW, iso, picture
from tests.waiting import until

PORT = 8090
FIGURES = {"reported": 4012, "opened": 640, "merged": 3201, "held": 120, "resent": 40, "rejected": 11, "pending": 0, "lost": 0}
MOVES = {
    "confirm": ("reported", "updated"),
    "verify": ("verifying", "updated"),
    "file": ("filed", "filed"),
    "not_file": ("not_filed", "not_filed"),
    "void": ("void", "voided"),
    "dispatch": ("dispatched", "dispatched"),
    "close": ("closed", "closed"),
    "fail_check": ("handling", "check_failed"),
}
ACTIONS = {
    "reported": [("verify", []), ("file", ["known_condition"]), ("not_file", ["reason"]), ("void", ["reason"])],
    "filed": [("dispatch", ["known_units", "never_returned"]), ("void", ["reason"])],
    "checked": [("close", []), ("fail_check", ["reason"])],
}
Body = dict[str, Any]


def create(world: Standin) -> Starlette:
    """The application over it."""
    routes = [Route(f"/api/v1{path}", _answer(world, act), methods=[method]) for method, path, act in API]
    return Starlette(routes=[*page_routes(), *routes, Route("/api/v1/feed", _feed(world)), Mount("/static", StaticFiles(directory=STATIC))])


def _feed(world: Standin) -> Any:
    async def feed(request: Request) -> Response:
        after = request.headers.get("last-event-id") or request.query_params.get("cursor")
        return StreamingResponse(world.frames(after), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return feed


def _answer(world: Standin, act: Any) -> Any:
    async def answer(request: Request) -> Response:
        world.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        body = await request.json() if "json" in request.headers.get("content-type", "") else {}
        if world.person is None and not request.url.path.endswith("/session"):
            return _problem(401, "not_signed_in")
        cursor = world.cursor
        found: Response | Any = act(world, request, body)
        return found if isinstance(found, Response) else JSONResponse(found, headers={"X-Cursor": cursor})

    return answer


def _problem(status: int, kind: str, **extras: Any) -> Response:
    return JSONResponse({"type": kind, "title": kind, "status": status, **extras}, status, media_type="application/problem+json")


def _session(world: Standin, request: Request, body: Body) -> Any:
    if request.method == "POST":
        if body["password"] != world.password:
            return _problem(401, "wrong_password")
        world.person = LEAD
    if request.method == "DELETE":
        world.person = None
        return Response(status_code=204)
    return {"person": world.person, "csrf": "token"} if world.person else _problem(401, "not_signed_in")


def _cases(world: Standin, request: Request, _: Body) -> Any:
    asked = request.query_params
    rows, begin, limit = world.chosen(asked), int(asked.get("cursor") or 0), int(asked.get("limit") or 50)
    further = str(begin + limit) if len(rows) > begin + limit else None
    return {"cases": rows[begin : begin + limit], "next": further, "total": len(rows)}


def _map(world: Standin, request: Request, _: Body) -> Any:
    return {"points": [_point(row) for row in world.chosen(request.query_params)], "complete": True}


def _point(row: ROW) -> list[Any]:
    names = ("case_id", "lon", "lat", "category", "state", "severity")
    return [*(row[name] for name in names), _ms(row["due_at"]), row["overdue"], _ms(row["opened_at"]), row["district"]]


def _ms(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp() * 1000)


def _counts(world: Standin, *_: Any) -> Any:
    rows = [row for row in world.rows.values() if row["state"] in TAB_OF]
    tabs = Counter(TAB_OF[row["state"]] for row in rows) + Counter("overdue" for row in rows if row["overdue"])
    return {"tabs": tabs, "states": Counter(row["state"] for row in rows), "districts": Counter(row["district"] for row in rows)}


def _case(world: Standin, request: Request, _: Body) -> Any:
    row = world.rows.get(request.path_params["case_id"])
    if row is None:
        return _problem(404, "unknown_case")
    place = {name: row[name] for name in ("lon", "lat", "address", "district", "subdistrict", "community", "grid")}
    seen = {"sha256": row["picture"], "media_type": "image/jpeg", "captured_at": row["opened_at"], "url": None}
    case = {**row, "place": place, "evidence": [seen] if row["picture"] else [], "description": "路面有散落渣土，占用慢车道约三米。"}
    actions = [*ACTIONS.get(row["state"], []), ("note", ["words"])]
    told = [{"command": name, "needs": needs, "reason_required": "reason" in needs} for name, needs in actions]
    empty: dict[str, Any] = {
        "deadline": None,
        "unfiled": world.unfiled.get(row["case_id"]),
        "merged": [],
        "suggestions": [],
        "reports": [],
        "presence": [],
    }
    return {"case": case, "row": row, "actions": told, **empty}


def _events(world: Standin, request: Request, _: Body) -> Any:
    row = world.rows.get(request.path_params["case_id"])
    if row is None:
        return _problem(404, "unknown_case")
    actor = {"id": "system:intake", "role": "system", "unit": None}
    opened = {"sequence": 1, "type": "opened", "at": row["opened_at"], "actor": actor, "note": None, "reason": "opened", "changes": {}}
    return {"events": [opened, *world.facts.get(row["case_id"], [])], "next": None}


def _command(world: Standin, request: Request, body: Body) -> Any:
    row = world.rows[request.path_params["case_id"]]
    if world.refusals:
        status, extras = world.refusals.pop(0)
        return _problem(status, "refused", **extras)
    key = request.headers.get("idempotency-key")
    world.commands.append({"case_id": row["case_id"], "key": key, "if_match": request.headers.get("if-match"), **body})
    state, fact = MOVES.get(body["type"], (row["state"], "noted"))
    given = {name: body[name] for name in ("unit", "severity", "condition") if body.get(name)}
    said = {"actor": {"id": LEAD["id"], "role": LEAD["role"], "unit": None}, "note": body.get("note"), "reason": body.get("reason")}
    world.tell(row["case_id"], fact, said, state=state, **given)
    row = world.rows[row["case_id"]]
    return {"command_id": key, "state": row["state"], "sequence": row["sequence"], "revision": row["revision"]}


def _presence(world: Standin, *_: Any) -> Any:
    return Response(status_code=204)


def _picture(world: Standin, request: Request, _: Body) -> Any:
    size = (320, 240) if request.url.path.endswith("thumbnail") else (960, 720)
    body = picture(request.path_params["sha256"], *size)
    return Response(body, media_type="image/jpeg", headers={"Cache-Control": "max-age=600"})


API: list[tuple[str, str, Any]] = [
    ("GET", "/session", _session),
    ("POST", "/session", _session),
    ("DELETE", "/session", _session),
    ("GET", "/catalogue", lambda world, *_: world.catalogue),
    ("GET", "/districts", lambda world, *_: world.outlines),
    ("GET", "/audit", lambda *_: {"now": iso(NOW), "speed": 1.0, **FIGURES}),
    ("GET", "/cases", _cases),
    ("GET", "/map", _map),
    ("GET", "/counts", _counts),
    ("GET", "/cases/{case_id}", _case),
    ("GET", "/cases/{case_id}/events", _events),
    ("POST", "/cases/{case_id}/commands", _command),
    ("POST", "/cases/{case_id}/presence", _presence),
    ("GET", "/evidence/{sha256}/thumbnail", _picture),
    ("GET", "/evidence/{sha256}", _picture),
]


@contextmanager
def served(world: Standin, port: int = 0) -> Iterator[str]:
    """Its address while the block runs."""
    server = uvicorn.Server(uvicorn.Config(create(world), log_config=None, access_log=False, timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started, "the stand-in to start")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            world.break_feed()
            server.should_exit = True
            thread.join(60)


if __name__ == "__main__":
    with served(Standin(int(sys.argv[1]) if len(sys.argv) > 1 else 300), PORT) as address:
        print(address, flush=True)
        threading.Event().wait()

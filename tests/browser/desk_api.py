"""The API of a `Desk`: as much of it as the pages of single cases ask, each answer a function of (desk, request, body)."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from console.words import catalogue
from incidents.places import distance_m
from tests.browser.desk import Desk, Json
from tests.browser.desk_answers import row, tasks, view
from tests.browser.standin_city import iso, picture

Act = Callable[[Desk, Request, Any], Any]
MOST_ROWS = 50
NEAR_M = 250


def problem(status: int, **extras: Any) -> Response:
    """A refusal."""
    return JSONResponse({"status": status, **extras}, status, media_type="application/problem+json")


def _session(desk: Desk, request: Request, _: Any) -> Any:
    if request.method == "DELETE":
        desk.signed_in = False
        return Response(status_code=204)
    desk.signed_in = True
    return {"person": desk.person, "csrf": "token"}


def _known(act: Act) -> Act:
    """A case that is not there answers 404."""

    def answer(desk: Desk, request: Request, body: Any) -> Any:
        case_id = request.path_params["case_id"]
        return (
            act(desk, request, body)
            if case_id in desk.cases
            else problem(404, title="Not found", detail=f"there is no case {case_id!r} that you may see")
        )

    return answer


def _chosen(desk: Desk, request: Request) -> list[Json]:
    asked = request.query_params
    rows = [row(case) for case in desk.cases.values()]
    for name in ("state", "district", "category", "severity", "unit", "channel"):
        wanted = asked.getlist("status" if name == "state" else name)
        rows = [row for row in rows if not wanted or row[name] in wanted]
    words = (asked.get("q") or "").lower()
    rows = [row for row in rows if words in f"{row['case_id']} {row['address']}".lower() and (not asked.get("overdue") or row["overdue"])]
    sort = asked.get("sort") or "-opened_at"
    return sorted(rows, key=lambda row: (str(row.get(sort.lstrip("-")) or ""), row["case_id"]), reverse=sort.startswith("-"))


def _cases(desk: Desk, request: Request, _: Any) -> Any:
    rows, begin, limit = (
        _chosen(desk, request),
        int(request.query_params.get("cursor") or 0),
        int(request.query_params.get("limit") or MOST_ROWS),
    )
    return {"cases": rows[begin : begin + limit], "next": str(begin + limit) if len(rows) > begin + limit else None, "total": len(rows)}


def _case(desk: Desk, request: Request, _: Any) -> Any:
    cursor, case = desk.cursor, desk.cases[request.path_params["case_id"]]
    return JSONResponse(view(desk, case), headers={"ETag": f'"{case.revision}"', "X-Cursor": cursor})


def _events(desk: Desk, request: Request, _: Any) -> Any:
    after = int(request.query_params.get("after") or 0)
    facts = [fact for fact in desk.facts[request.path_params["case_id"]] if fact.sequence > after]
    return {
        "events": [
            fact.model_dump(mode="json", include={"sequence", "type", "at", "actor", "note", "reason", "changes"}) for fact in facts
        ],
        "next": None,
    }


def _command(desk: Desk, request: Request, body: Any) -> Any:
    match = request.headers.get("if-match")
    status, said = desk.command(
        request.path_params["case_id"], request.headers["idempotency-key"], body, int(match.strip('"')) if match else None
    )
    return JSONResponse(said, status, media_type="application/problem+json" if status >= 400 else "application/json")


def _evidence(desk: Desk, _: Request, body: Any) -> Any:
    sha256 = hashlib.sha256(body["file"]).hexdigest()
    place = {name: float(body[name]) if body.get(name) else None for name in ("lon", "lat")}
    stored = {"sha256": sha256, "media_type": "image/jpeg", "size": len(body["file"]), "captured_at": body.get("captured_at"), **place}
    desk.pictures[sha256] = stored
    return JSONResponse(
        {
            **stored,
            "width": 640,
            "height": 480,
            "url": f"/api/v1/evidence/{sha256}",
            "thumbnail_url": f"/api/v1/evidence/{sha256}/thumbnail",
        },
        201,
    )


def _picture(_: Desk, request: Request, __: Any) -> Any:
    size = (320, 240) if request.url.path.endswith("thumbnail") else (1280, 960)
    return Response(
        picture(request.path_params["sha256"], *size), media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"}
    )


def _unseal(desk: Desk, request: Request, body: Any) -> Any:
    case_id = request.path_params["case_id"]
    desk.write("unsealed", case_id=case_id, purpose=body["purpose"], fields=["reporter"], values=2)
    return {
        "entry": 1,
        "erased": {},
        "unreadable": {},
        "values": {"statements.0.reporter.name": "刘女士", "statements.0.reporter.phone": "13800138000"},
    }


def _similar(desk: Desk, request: Request, _: Any) -> Any:
    asked = request.query_params
    lon, lat = float(asked["lon"]), float(asked["lat"])
    found = []
    for case in desk.cases.values():
        metres = round(distance_m(lon, lat, case.place.lon, case.place.lat))
        minutes = round((desk.now - case.first_seen).total_seconds() / 60)
        if case.category == asked["category"] and metres < NEAR_M:
            found.append({"row": row(case), "distance_m": metres, "minutes": minutes, "score": 0.42})
    return {"similar": sorted(found, key=lambda each: int(str(each["distance_m"])))}


def _report(desk: Desk, _: Request, body: Any) -> Any:
    data, place = body["data"], body["data"].get("location", {})
    where = {"lon": place["lon"], "lat": place["lat"]} if "lon" in place else {}
    case_id = desk.open(
        "reported", category=data["category"], minutes=1, source=body["source"], address=place.get("address"), channel="hotline", **where
    )
    desk.stories[body["id"]] = {
        **{name: body[name] for name in ("source", "id", "time")},
        "verdict": "opened",
        "case_id": case_id,
        "case_state": "reported",
    }
    return JSONResponse({"accepted": 1, "ids": [body["id"]], "refused": [], "skipped": 0}, 202)


def _explain(desk: Desk, request: Request, _: Any) -> Any:
    told = desk.stories.get(request.query_params["id"])
    return {"reports": [told]} if told else problem(404, title="Not found")


def _commands(desk: Desk, _: Request, body: Any) -> Any:
    outcomes = []
    for each in body["commands"]:
        said = {name: value for name, value in each.items() if name not in ("id", "case_id", "revision")}
        status, told = desk.command(each["case_id"], each["id"], said, each.get("revision"))
        outcomes.append(
            {"command_id": each["id"], "case_id": each["case_id"], "status": status, **({"problem": told} if status >= 400 else told)}
        )
    return {"outcomes": outcomes}


def _journal(desk: Desk, request: Request, _: Any) -> Any:
    asked, found = request.query_params, list(reversed(desk.journal))
    found = [entry for entry in found if asked.get("kind") in (None, entry["kind"]) and asked.get("person") in (None, entry["person"])]
    found = [entry for entry in found if asked.get("case") in (None, entry["what"].get("case_id"))]
    return {"entries": found, "next": None}


def _feed(desk: Desk, request: Request, _: Any) -> Any:
    after = request.headers.get("last-event-id") or request.query_params.get("cursor") or desk.cursor

    async def frames() -> AsyncIterator[bytes]:
        yield f'retry: 1000\n\nevent: ping\ndata: {{"now":{int(time.time() * 1000)}}}\n\n'.encode()
        told = int(after.partition("-")[2])
        while not desk.over:
            await asyncio.sleep(0.1)
            for fact in desk.log[told:]:
                told += 1
                frame = {
                    **{
                        name: row(fact.case)[name]
                        for name in ("case_id", "sequence", "state", "category", "severity", "district", "lon", "lat", "unit", "count")
                    },
                    "fact": fact.type,
                    "at": iso(fact.at),
                }
                yield f"id: {int(time.time() * 1000)}-{told}\nevent: fact\ndata: {json.dumps(frame)}\n\n".encode()

    return StreamingResponse(frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _download(desk: Desk, request: Request, _: Any) -> Any:
    kind = request.url.path.rsplit(".", 1)[-1]
    return Response(
        f"case_id\n{chr(10).join(desk.cases)}\n",
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="cases.{kind}"'},
    )


CASE = "/cases/{case_id}"
API: list[tuple[str, str, Act]] = [
    ("GET", "/session", _session),
    ("POST", "/session", _session),
    ("DELETE", "/session", _session),
    ("GET", "/catalogue", lambda desk, *_: catalogue(desk.city)),
    ("GET", "/districts", lambda desk, *_: desk.outlines),
    ("GET", "/audit", lambda desk, *_: {"now": iso(desk.now), "speed": desk.speed}),
    ("GET", "/cases", _cases),
    ("GET", "/tasks", lambda desk, *_: {"tasks": tasks(desk)}),
    ("GET", CASE, _known(_case)),
    ("GET", f"{CASE}/events", _known(_events)),
    ("GET", f"{CASE}/file", _download),
    ("POST", f"{CASE}/commands", _known(_command)),
    ("POST", f"{CASE}/presence", lambda *_: Response(status_code=204)),
    ("POST", f"{CASE}/unseal", _known(_unseal)),
    ("POST", "/commands", _commands),
    ("POST", "/evidence", _evidence),
    ("GET", "/evidence/{sha256}", _picture),
    ("GET", "/evidence/{sha256}/thumbnail", _picture),
    ("GET", "/similar", _similar),
    ("POST", "/events", _report),
    ("GET", "/explain", _explain),
    ("GET", "/journal", _journal),
    ("GET", "/hooks", lambda desk, *_: desk.hooks),
    ("GET", f"{CASE}/notices", _known(lambda desk, *_: desk.notices)),
    ("GET", "/feed", _feed),
    ("GET", "/exports/cases.csv", _download),
    ("GET", "/exports/cases.geojson", _download),
]

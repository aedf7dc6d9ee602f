"""Serves a `Desk` over HTTP: the product's pages under its policy, and as much of the API as the pages of single cases ask.

`python -m tests.browser.desk_server shift_lead` serves one to look at.
"""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.shells import STATIC, WORKER, worker
from tests.browser.desk import Desk, Json
from tests.browser.desk_api import API, Act, problem
from tests.browser.shown import page_routes
from tests.waiting import until


@contextmanager
def desk_served(desk: Desk, port: int = 0) -> Iterator[str]:
    """Its address, without a slash at the end, while the block runs."""
    server = uvicorn.Server(uvicorn.Config(_application(desk), log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started, "the desk to start")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            desk.over = True
            server.should_exit = True
            thread.join(60)


def _application(desk: Desk) -> Starlette:
    api = [Route(f"/api/v1{path}", _answer(desk, act), methods=[method]) for method, path, act in API]
    return Starlette(
        routes=[Route(f"/{WORKER}", lambda _: worker()), *page_routes(), *api, Mount("/static", StaticFiles(directory=STATIC))]
    )


def _answer(desk: Desk, act: Act) -> Any:
    async def answer(request: Request) -> Response:
        kind = request.headers.get("content-type", "")
        body: Any = await request.json() if "json" in kind else (await _form(request) if "multipart" in kind else None)
        if request.method != "GET" and not request.url.path.endswith("/presence"):
            desk.asked.append((request.method, request.url.path, dict(request.headers), body))
            for refusal in desk.refusals:
                if refusal[0] in request.url.path:
                    desk.refusals.remove(refusal)
                    return problem(**refusal[2])
        if not desk.signed_in and not (request.method == "POST" and request.url.path.endswith("/session")):
            return problem(401, title="Sign in")
        cursor = desk.cursor
        found = act(desk, request, body)
        return found if isinstance(found, Response) else JSONResponse(found, headers={"X-Cursor": cursor})

    return answer


async def _form(request: Request) -> Json:
    async with request.form() as form:
        return {name: await value.read() if isinstance(value, UploadFile) else value for name, value in form.items()}


if __name__ == "__main__":
    shown = Desk(sys.argv[1] if len(sys.argv) > 1 else "shift_lead")
    for number, state in enumerate(("handling", "dispatched", "checking", "checked", "reported", "filed", "closed")):
        shown.open(state, minutes=200 - 25 * number, lon=120.3826 + number * 0.002)
    with desk_served(shown, 8091) as running:
        print(running, *shown.cases, sep="\n", flush=True)
        threading.Event().wait()

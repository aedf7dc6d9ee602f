"""The console's HTTP side: `/` with its static files, the live feed, and the figures behind the page. Read-only and stateless.

Everything a page needs comes from here: the policy in `CSP` forbids any other origin, inline scripts and inline styles.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.clock import CityClock
from adapters.metrics import HTTP_REQUESTS, HTTP_SECONDS
from adapters.probe import exposition
from console.counters import Counters
from console.feed import Hub, frames
from console.snapshot import Snapshots
from incidents.errors import TryAgain

STATIC = Path(__file__).parent / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
SAFE = {"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
FEED_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
CURSOR = r"^\d{1,16}(-\d{1,20})?$"
CLOCK_EVERY_S = 1.0

Cursor = Annotated[str | None, Query(pattern=CURSOR, description="the `X-Cursor` of a snapshot: the feed goes on behind it")]
LastEventId = Annotated[str | None, Header(pattern=CURSOR, description="what a browser sends when it reconnects; wins over `cursor`")]


@dataclass(frozen=True)
class World:
    """What the pages show: the city's names and outlines, which never change while the process lives, and the live sources."""

    catalogue: dict[str, Any]
    outlines: dict[str, Any]
    hub: Hub
    snapshots: Snapshots
    counters: Counters
    clock: CityClock


def create_app(world: World) -> FastAPI:
    """The application over a world; its background readers run while it serves."""
    app = FastAPI(title="cityloop console", docs_url=None, redoc_url=None, lifespan=_readers(world))
    app.add_middleware(Guarded)
    _add_pages(app)
    _add_api(app, world)
    _add_probe(app, world)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _readers(world: World) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in (world.hub.run(), world.counters.run(), _keep_time(world.clock))]
        try:
            yield
        finally:
            world.hub.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await world.hub.view.close()

    return lifespan


async def _keep_time(clock: CityClock) -> None:
    while True:
        with suppress(TryAgain):
            await clock.refresh()
        await asyncio.sleep(CLOCK_EVERY_S)


class Guarded:
    """Gives every answer the policy, and counts every request by its route, never by its address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFE)
                route = getattr(scope.get("route"), "path", "other")
                HTTP_REQUESTS.labels(route, f"{message['status'] // 100}xx").inc()
                HTTP_SECONDS.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, guarded)


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    @app.exception_handler(TryAgain)
    async def away(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 503, {"Retry-After": "2"})


def _add_api(app: FastAPI, world: World) -> None:
    @app.get("/api/v1/catalogue")
    async def catalogue() -> dict[str, Any]:
        """Names of the city, its categories, units and districts, in Chinese and English."""
        return world.catalogue

    @app.get("/api/v1/districts")
    async def districts() -> dict[str, Any]:
        """GeoJSON of the districts' outlines, WGS-84; `schematic` says that a shape is invented."""
        return world.outlines

    @app.get("/api/v1/cases")
    async def cases() -> Response:
        """The cases of the hot store and the latest facts; `X-Cursor` is where the feed goes on without a gap."""
        taken = await world.snapshots.now()
        return Response(taken.body, media_type="application/json", headers={"X-Cursor": taken.cursor, "Cache-Control": "no-store"})

    @app.get("/api/v1/audit")
    async def audit() -> dict[str, Any]:
        """The audit's figures as of the last second, and the city's clock: `speed` city seconds per real second."""
        return {"now": world.clock.now().isoformat(), "speed": world.clock.speed, **world.counters.figures()}

    @app.get("/api/v1/feed")
    async def feed(cursor: Cursor = None, last_event_id: LastEventId = None) -> StreamingResponse:
        """Server-sent events: `fact` (its id is the cursor), `ping`, `resync` (fetch the snapshot anew)."""
        return StreamingResponse(frames(world.hub, last_event_id or cursor), media_type="text/event-stream", headers=FEED_HEADERS)


def _add_probe(app: FastAPI, world: World) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, bool]:
        return {"healthy": True}

    @app.get("/readyz", include_in_schema=False)
    async def readiness() -> JSONResponse:
        roles = {"feed": world.hub.working, "counters": world.counters.working, "hot_store": await _is_complete(world)}
        missing = [role for role, working in roles.items() if not working]
        return JSONResponse({"ready": not missing, "roles": roles, "waiting_for": missing}, 200 if not missing else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        body, media_type = exposition()
        return Response(body, media_type=media_type)


async def _is_complete(world: World) -> bool:
    try:
        return await world.hub.view.is_complete()
    except TryAgain:
        return False

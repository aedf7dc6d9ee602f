"""The console's HTTP side: an application over a `World`. Stateless: what must last is in Kafka, Redis and SQL.

What it answers stands in `console.routes`, an area per file; a new area is a new file and a new line of `ROUTERS`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles

from console.edge import Edge, broken
from console.methods import Methods
from console.openapi import document, known_query
from console.problems import add_problems
from console.routes import (
    acknowledge,
    alert_sources,
    alertmanager,
    cases,
    catalogue,
    city,
    commands,
    events,
    evidence,
    explain,
    exports,
    feed,
    hooks,
    indicators,
    journal,
    map,
    pages,
    positions,
    presence,
    probe,
    routing,
    session,
    similar,
    sources,
    tasks,
    units,
    unseal,
)
from console.shells import STATIC
from console.world import World

ROUTERS: tuple[Callable[[World], APIRouter], ...] = (
    pages.router,
    acknowledge.router,
    session.router,
    journal.router,
    city.router,
    catalogue.router,
    units.router,
    indicators.router,
    cases.router,
    map.router,
    tasks.router,
    similar.router,
    exports.router,
    explain.router,
    commands.router,
    unseal.router,
    presence.router,
    evidence.router,
    feed.router,
    events.router,
    alertmanager.router,
    alert_sources.router,
    hooks.router,
    sources.router,
    positions.router,
    routing.router,
    probe.router,
)
"""Every area, in the order in which addresses are tried."""


def create_app(world: World) -> FastAPI:
    """The application over a world; its background work runs while it serves."""
    app = FastAPI(docs_url=None, redoc_url=None, lifespan=_background(world), generate_unique_id_function=lambda route: route.name)
    app.state.world = world
    app.openapi = partial(document, app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    app.add_middleware(Edge)
    app.add_middleware(Methods)
    add_problems(app)
    app.add_exception_handler(Exception, broken)
    for router in ROUTERS:
        app.include_router(router(world), dependencies=[Depends(known_query)])
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1000, compresslevel=1), name="static")
    document(app)  # here, for FastAPI cannot make it for two requests at once
    return app


def _background(world: World) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(work) for work in world.background()]
        try:
            yield
        finally:
            world.hub.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await world.close()

    return lifespan

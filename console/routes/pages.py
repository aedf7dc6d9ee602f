"""The pages at their addresses, for whoever is signed in; others are sent to sign in."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from console.shells import PAGES, WORKER, Page, served_page, worker
from console.world import World


def router(world: World) -> APIRouter:
    """The pages."""
    pages = APIRouter(include_in_schema=False)
    for path, page in PAGES.items():
        pages.add_api_route(path, _page(world, page), name=page.name)
    pages.add_api_route(f"/{WORKER}", _worker, name=WORKER)
    return pages


async def _worker() -> FileResponse:
    return worker()


def _page(world: World, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not page.open and await asyncio.to_thread(world.access.recognise, request) is None:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303, {"Cache-Control": "no-store"})
        return served_page(page)

    return answer

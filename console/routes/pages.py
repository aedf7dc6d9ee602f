"""The shells of the pages: one HTML file each below console/static, the same for everybody; what they show they fetch from the API.

A shell's import map must stand inline (browsers take no other): its hash is computed here and joins the policy of that page alone.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from console.edge import policy
from console.world import World

SHELLS = Path(__file__).parent.parent / "static"
PAGES = {
    "/": "operations.html",
    "/case/{case_id}": "case.html",
    "/cases": "cases.html",
    "/accept": "accept.html",
    "/field": "field.html",
    "/journal": "journal.html",
    "/hooks": "hooks.html",
    "/login": "login.html",
}
"""Address -> shell; an address whose shell is not there is not served."""
OPEN = frozenset({"login.html"})
"""Shells for whoever is not signed in; from all others they are sent there."""
WORKER = "field-worker.js"
"""The service worker of /field: from the root, for a worker governs only addresses below its own."""

_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


def router(world: World) -> APIRouter:
    """The pages."""
    pages = APIRouter(include_in_schema=False)
    for path, name in PAGES.items():
        if (SHELLS / name).is_file():
            pages.add_api_route(path, _page(world, SHELLS / name), name=name)
    pages.add_api_route(f"/{WORKER}", _worker, name=WORKER)
    return pages


async def _worker() -> FileResponse:
    return FileResponse(SHELLS / WORKER, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _page(world: World, shell: Path) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        if shell.name not in OPEN and await asyncio.to_thread(world.access.recognise, request) is None:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303, {"Cache-Control": "no-store"})
        text = await asyncio.to_thread(shell.read_text, "utf-8")
        return HTMLResponse(text, headers={"Cache-Control": "no-cache", "Content-Security-Policy": policy(*hashes(text))})

    return page


def hashes(text: str) -> list[str]:
    """The policy's words for the import maps of a page.

    >>> hashes('<script type="importmap">{}</script>')
    ["'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='"]
    """
    digests = (hashlib.sha256(found.encode()).digest() for found in _IMPORT_MAP.findall(text))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

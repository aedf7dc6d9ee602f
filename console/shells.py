"""The shells of the pages: one HTML text for all (shell.html), the same for everybody; what a page shows it fetches from the API.

A page is a folder below console/static with its `main.js` and its style. A shell's import map must stand inline (browsers take no other):
its hash is computed here and joins the policy of that page alone.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from starlette.responses import FileResponse, HTMLResponse

from console.edge import SAFE, policy

STATIC = Path(__file__).parent / "static"
WORKER = "field-worker.js"
"""The service worker of /field: from the root, for a worker governs only addresses below its own."""

_SHELL = Template(Path(__file__).with_name("shell.html").read_text("utf-8"))
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A folder of console/static: whether it shows a case's fields, may be put on a telephone's screen, and opens without an account."""

    name: str
    fields: bool = False
    installable: bool = False
    open: bool = False


PAGES = {
    "/": Page("operations", fields=True),
    "/case/{case_id}": Page("case", fields=True),
    "/cases": Page("cases", fields=True),
    "/accept": Page("accept", fields=True),
    "/field": Page("field", fields=True, installable=True),
    "/journal": Page("journal"),
    "/hooks": Page("hooks"),
    "/login": Page("login", open=True),
}
"""The console's, by address."""
RECEIVER = Page("receiver", open=True)


@cache
def shell(page: Page) -> str:
    """Its HTML."""
    links = [f'<link rel="stylesheet" href="/static/{page.name}/{page.name}.css">']
    if page.fields:
        links.insert(0, '<link rel="stylesheet" href="/static/case/fields.css">')
    if page.installable:
        links.append(f'<link rel="manifest" href="/static/{page.name}/manifest.webmanifest">')
    viewport = ", viewport-fit=cover" if page.installable else ""
    return _SHELL.substitute(name=page.name, links="\n  ".join(links), viewport=viewport)


def served_page(page: Page) -> HTMLResponse:
    """Its answer, with the policy that lets its import map run, and nothing else that stands inline."""
    text = shell(page)
    return HTMLResponse(text, headers={"Cache-Control": "no-cache", "Content-Security-Policy": policy(*hashes(text))})


def bare_page(page: Page) -> HTMLResponse:
    """The same from a server without the console's edge: with the headers that the edge adds to every answer."""
    answer = served_page(page)
    answer.headers.update(SAFE)
    return answer


def worker() -> FileResponse:
    """The service worker's answer."""
    return FileResponse(STATIC / WORKER, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def hashes(text: str) -> list[str]:
    """The policy's words for the import maps of a page.

    >>> hashes('<script type="importmap">{}</script>')
    ["'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='"]
    """
    digests = (hashlib.sha256(found.encode()).digest() for found in _IMPORT_MAP.findall(text))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

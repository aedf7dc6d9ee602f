"""Methods beside the routes' own: HEAD is GET without its body, and 405 names all that an address takes (RFC 9110, 9.3.2 and 15.5.6)."""

import re
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.openapi import document


class _Enough(Exception):
    """The head of the answer is known: whatever would follow (a feed, a long export) need not be made."""


class Methods:
    """A layer of the application, ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                _allow(scope, MutableHeaders(scope=message))
            if is_head and message["type"] == "http.response.body":
                raise _Enough
            await send(message)

        try:
            await self._app({**scope, "method": "GET"} if is_head else scope, receive, guarded)
        except _Enough:
            await send({"type": "http.response.body", "body": b""})


def _allow(scope: Scope, headers: MutableHeaders) -> None:
    """Starlette names the methods of the first route that has the address; there may be another one for the others."""
    found = {method for path, methods in _paths(document(scope["app"])).items() if path.fullmatch(scope["path"]) for method in methods}
    if found:
        headers["Allow"] = ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def _paths(made: dict[str, Any]) -> dict[re.Pattern[str], list[str]]:
    """The addresses of the document as patterns, with their methods."""
    pattern = {path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))) for path in made["paths"]}
    return {pattern[path]: [method.upper() for method in operations] for path, operations in made["paths"].items()}

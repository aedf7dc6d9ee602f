"""Around every request: how large it may be, the headers every answer carries, and how many there were of each route.

`CSP` forbids any other origin, inline scripts and inline styles; a page may add the hash of its own import map (console.routes.pages).
"""

import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.metrics import HTTP_REQUESTS, HTTP_SECONDS
from console.problems import Problem

MOST_BYTES = 256_000
LARGER = {
    "/api/v1/events": 3_000_000,
    "/api/v1/sources/": 3_000_000,
    "/api/v1/commands": 1_000_000,
    "/api/v2/alerts": 3_000_000,
    "/api/v1/evidence": 10_600_000,  # 10 MB of picture and what multipart adds
}
"""Largest body by how the path begins, bytes; `MOST_BYTES` everywhere else."""


def policy(*scripts: str) -> str:
    """The content security policy with the hashes of inline scripts that a page has (its import map)."""
    allowed = " ".join(["'self'", *scripts])
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        "worker-src 'self' blob:; manifest-src 'self'; media-src 'self' blob:; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


CSP = policy()
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
}


class Edge:
    """The outermost layer of the application, ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SAFE)
                headers.setdefault("Content-Security-Policy", CSP)
                headers.update(scope.get("state", {}).get("rate", {}))  # what console.access counted
                route = getattr(scope.get("route"), "path", "other")
                HTTP_REQUESTS.labels(route, f"{message['status'] // 100}xx").inc()
                HTTP_SECONDS.labels(route).observe(time.perf_counter() - began)
            await send(message)

        most = _most_bytes(scope["path"])
        if _declared(scope) > most:
            await _too_large(most).answer(scope["path"])(scope, receive, guarded)
            return
        await self._app(scope, _bounded(receive, most), guarded)


async def broken(_: Request, __: Exception) -> Response:
    """What a bug answers, beyond this layer: Starlette logs it, and it must not look like anything else."""
    problem = Problem(
        500,
        "broken",
        "Something is wrong here",
        "this is a mistake of ours; the process's log says which",
        headers=SAFE | {"Content-Security-Policy": CSP},
    )
    return problem.answer()


def _most_bytes(path: str) -> int:
    return next((most for begin, most in LARGER.items() if path.startswith(begin)), MOST_BYTES)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _bounded(receive: Receive, most: int) -> Receive:
    """The same, that raises Problem 413 once more than `most` bytes of body came: chunked bodies declare no length."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise _too_large(most)
        return message

    return bounded


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", "That is too much for one request", f"the body has more than {most} bytes: send it in parts")

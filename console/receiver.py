"""A receiver of notices, for demos and for trying out hooks: takes what is sent to it, checks signatures, shows it as it arrives.

`cityloop hooks receiver` serves it; it stands on this machine only and asks nobody who they are. What it got is gone with the process.
It can be told to fail or to keep silent, to see what the city then does: try again in order, under the same id, and go by the fallback.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.edge import SAFE
from console.receiver_read import Message, answer, read
from console.shells import RECEIVER, STATIC, bare_page
from console.words import catalogue
from incidents.catalogue import City

KEPT = 300
MOST_KNOWN = 200_000
"""Ids of which it is remembered how often they came."""
BEHIND = 1000
"""Events that a page may be behind; one that is slower begins anew."""
MOST_BYTES = 256_000
SHOWN_BYTES = 20_000
SILENCE_S = 30.0
"""Longer than any sender waits (15 s)."""
HIDDEN = frozenset({"authorization", "cookie"})


class Mood(StrEnum):
    """How the receiver behaves."""

    WELL = "well"
    FAILING = "failing"
    SILENT = "silent"


class Inbox:
    """What was received, and who watches. Of one event loop. `secrets` gives those of the targets that point here, as of now."""

    def __init__(self, secrets: Callable[[], Sequence[str]] = tuple) -> None:
        self.mood = Mood.WELL
        self._secrets = secrets
        self._known: Sequence[str] = ()
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._times: Counter[str] = Counter()
        self._totals = {"got": 0, "distinct": 0, "again": 0, "refused": 0}
        self._watchers: set[asyncio.Queue[bytes]] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()

    def take(self, message: Message) -> tuple[int, dict[str, Any]]:
        """Keep a message and tell who watches; the status and the body to answer with."""
        now = datetime.now(UTC)
        said = read(message, self._known, now)
        if not said.signed:  # a secret may have been made or replaced since
            self._known = tuple(self._secrets())
            said = read(message, self._known, now)
        status, words = self._answer(message, said.signed)
        times = self._count(f"{message.path} {said.id}" if said.id else f"{self._totals['got']}", status)
        got = asdict(said) | {
            "n": self._totals["got"],
            "totals": dict(self._totals),
            "received_at": now.isoformat(),
            "protocol": message.protocol,
            "path": message.path,
            "times": times,
            "status": status,
            "bytes": len(message.body),
            "headers": {name: value for name, value in message.headers.items() if name not in HIDDEN},
            "body": message.body[:SHOWN_BYTES].decode("utf-8", "replace"),
        }
        self._kept.append(_event("notice", got))
        self._tell(self._kept[-1])
        return status, words

    def _count(self, key: str, status: int) -> int:
        """How often this one came by now."""
        if len(self._times) >= MOST_KNOWN:
            self._times.clear()
        self._times[key] += 1
        self._totals["got"] += 1
        self._totals["distinct" if self._times[key] == 1 else "again"] += 1
        self._totals["refused"] += status >= 400
        return self._times[key]

    def _answer(self, message: Message, signed: bool | None) -> tuple[int, dict[str, Any]]:
        if signed is False:
            return 401, {"error": "the signature is not right"}
        if self.mood is Mood.WELL:
            return 200, answer(message.protocol)
        return 503, {"error": f"this receiver is {self.mood}"}

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The latest that were received, in order, as its page gets them."""
        return [orjson.loads(each.split(b"\ndata: ", 1)[1]) for each in list(self._kept)]

    def turn(self, mood: Mood) -> None:
        """Behave so from now on."""
        self.mood = mood
        (self._speaks.clear if mood is Mood.SILENT else self._speaks.set)()
        self._tell(_event("mood", {"mood": mood}))

    async def silence(self) -> None:
        """Ends at once, or when the receiver is silent no more; no sender waits as long as that."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._speaks.wait(), SILENCE_S)

    async def watch(self) -> AsyncIterator[bytes]:
        """Server-sent events: all that is kept, `ready`, then whatever comes."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(BEHIND)
        self._watchers.add(queue)
        try:
            yield b"retry: 1000\n\n" + _event("mood", {"mood": self.mood}) + b"".join(self._kept) + _event("ready", {})
            while body := await queue.get():
                yield body
        finally:
            self._watchers.discard(queue)

    def close(self) -> None:
        """End every page's feed and every silence."""
        self._speaks.set()
        self._tell(b"")

    def _tell(self, body: bytes) -> None:
        for queue in self._watchers:
            behind = queue.full()
            while behind and not queue.empty():
                queue.get_nowait()
            queue.put_nowait(b"" if behind else body)


def create_receiver(city: City, inbox: Inbox, *, real_time: bool = True) -> Starlette:
    """Its pages and its addresses: POST anywhere; the first part of the path names the protocol. Where a city's clock is not the real one
    (`real_time`), nothing can be said about how long a notice took."""
    names = catalogue(city) | {"real_time": real_time}

    async def page(_: Request) -> Response:
        return bare_page(RECEIVER)

    async def receive(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return JSONResponse({"error": f"a notice has at most {MOST_BYTES} bytes"}, 413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, words = inbox.take(Message(request.url.path, request.url.query, headers, body))
        await inbox.silence()
        return JSONResponse(words, status)

    async def turn(request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":  # what a form of another site cannot send
            return JSONResponse({"error": "send application/json"}, 415)
        try:
            inbox.turn(Mood(orjson.loads(await request.body())["mood"]))
        except (ValueError, LookupError, TypeError):
            return JSONResponse({"error": f"the mood is one of {', '.join(Mood)}"}, 422)
        return Response(status_code=204)

    async def received(_: Request) -> Response:
        return StreamingResponse(inbox.watch(), media_type="text/event-stream", headers={"Cache-Control": "no-store", **SAFE})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/-/received", received),
            Route("/-/names", lambda _: JSONResponse(names)),
            Route("/-/mood", turn, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/{path:path}", receive, methods=["POST"]),
        ]
    )


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"

"""The live feed as server-sent events: what happens to the cases of the person's scope, as it happens."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from console.access import CanRead
from console.feed import frames
from console.world import World
from incidents.rights import Permission, may, scope_of

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
CURSOR = r"^\d{1,16}(-\d{1,20})?$"
EXAMPLE = (
    'id: 1795219200000-0\nevent: fact\ndata: {"case_id":"QD-20261121-14YNDD4W6Y","sequence":3,"fact":"dispatched","state":"dispatched"}\n\n'
)
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "events until somebody leaves", "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}}}
}

Cursor = Annotated[str | None, Query(pattern=CURSOR, description="the `X-Cursor` of a snapshot: the feed goes on behind it")]
LastEventId = Annotated[str | None, Header(pattern=CURSOR, description="what a browser sends when it reconnects; wins over `cursor`")]


def router(world: World) -> APIRouter:
    """`/api/v1/feed`."""
    area = APIRouter(prefix="/api/v1", tags=["feed"])

    @area.get("/feed", response_class=StreamingResponse, responses=ANSWER, summary="What happens, as it happens")
    async def feed(request: Request, person: CanRead, cursor: Cursor = None, last_event_id: LastEventId = None) -> StreamingResponse:
        """Server-sent events: `fact` (its id is the cursor; in a storm of each case only the newest), `gone` (a case left the scope),
        `presence`, `ping`, `resync` (fetch the snapshot anew). Ends when the person is signed out.
        """

        async def goes_on() -> bool:
            now = await asyncio.to_thread(world.access.recognise, request)
            return now is not None and may(now, Permission.READ) and scope_of(now) == scope_of(person)

        body = frames(world.hub, scope_of(person), last_event_id or cursor, goes_on=goes_on)
        return StreamingResponse(body, media_type=MEDIA_TYPE, headers=HEADERS)

    return area

"""The live feed as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from console.feed import frames
from console.world import World

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
CURSOR = r"^\d{1,16}(-\d{1,20})?$"

Cursor = Annotated[str | None, Query(pattern=CURSOR, description="the `X-Cursor` of a snapshot: the feed goes on behind it")]
LastEventId = Annotated[str | None, Header(pattern=CURSOR, description="what a browser sends when it reconnects; wins over `cursor`")]


def router(world: World) -> APIRouter:
    """`/api/v1/feed`."""
    area = APIRouter(prefix="/api/v1", tags=["feed"])

    @area.get("/feed")
    async def feed(cursor: Cursor = None, last_event_id: LastEventId = None) -> StreamingResponse:
        """Server-sent events: `fact` (its id is the cursor), `ping`, `resync` (fetch the snapshot anew)."""
        return StreamingResponse(frames(world.hub, last_event_id or cursor), media_type="text/event-stream", headers=HEADERS)

    return area

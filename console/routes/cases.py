"""The cases that a page begins with."""

from fastapi import APIRouter, Response

from console.access import CanRead
from console.world import World


def router(world: World) -> APIRouter:
    """`/api/v1/cases`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])

    @area.get("/cases")
    async def cases(person: CanRead) -> Response:
        """The cases of the hot store and the latest facts; `X-Cursor` is where the feed goes on without a gap."""
        taken = await world.snapshots.now()
        return Response(taken.body, media_type="application/json", headers={"X-Cursor": taken.cursor, "Cache-Control": "no-store"})

    return area

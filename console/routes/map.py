"""The map's points and the queue's counts: every open case of the person's scope, small."""

import orjson
from fastapi import APIRouter, Response

from console.access import CanRead
from console.filters import Asked
from console.routes.cases import CURSOR_SAID, FRESH, Position
from console.views import CountsView, MapView
from console.world import World
from incidents.rights import scope_of


def router(world: World) -> APIRouter:
    """`/api/v1/map`, `/api/v1/counts`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])

    @area.get("/map", summary="Points of the map", response_model=MapView, responses=CURSOR_SAID)
    def points(person: CanRead, asked: Asked, position: Position) -> Response:
        """Open cases that match the filters, the newest first, at most 10,000 (`complete` says whether that was all)."""
        wanted = asked.filter()
        found = world.query.points(scope_of(person), wanted.bbox, wanted)
        body = orjson.dumps({"points": found.points, "complete": found.complete})
        return Response(body, media_type="application/json", headers=position | FRESH)

    @area.get("/counts", summary="Open cases by tab, state and district")
    def counts(person: CanRead, response: Response) -> CountsView:
        """How many cases stand in each queue of the operations page, in each state and district; "" where no district is known."""
        response.headers.update(FRESH)
        found = world.query.counts(scope_of(person))
        return CountsView(tabs=found.tabs, states=found.states, districts=found.districts)

    return area

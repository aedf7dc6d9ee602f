"""What the process answers about itself; open to everybody, and without a word about cases."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from adapters.probe import exposition
from console.world import World
from incidents.errors import TryAgain


def router(world: World) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`."""
    area = APIRouter(include_in_schema=False)

    @area.get("/healthz")
    async def health() -> dict[str, bool]:
        return {"healthy": True}

    @area.get("/readyz")
    async def readiness() -> JSONResponse:
        roles = {"feed": world.hub.working, "counters": world.counters.working, "hot_store": await _is_complete(world)}
        missing = [role for role, working in roles.items() if not working]
        return JSONResponse({"ready": not missing, "roles": roles, "waiting_for": missing}, 200 if not missing else 503)

    @area.get("/metrics")
    async def metrics() -> Response:
        body, media_type = exposition()
        return Response(body, media_type=media_type)

    return area


async def _is_complete(world: World) -> bool:
    try:
        return await world.hub.view.is_complete()
    except TryAgain:
        return False

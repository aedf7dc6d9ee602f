"""What never changes while the process lives, names and outlines, and the audit's figures with the city's clock."""

from typing import Any

from fastapi import APIRouter

from console.world import World


def router(world: World) -> APIRouter:
    """`/api/v1/catalogue`, `/districts`, `/audit`."""
    area = APIRouter(prefix="/api/v1", tags=["city"])

    @area.get("/catalogue")
    async def catalogue() -> dict[str, Any]:
        """Names of the city, its categories, units and districts, in Chinese and English."""
        return world.catalogue

    @area.get("/districts")
    async def districts() -> dict[str, Any]:
        """GeoJSON of the districts' outlines, WGS-84; `schematic` says that a shape is invented."""
        return world.outlines

    @area.get("/audit")
    async def audit() -> dict[str, Any]:
        """The audit's figures as of the last second, and the city's clock: `speed` city seconds per real second."""
        return {"now": world.clock.now().isoformat(), "speed": world.clock.speed, **world.counters.figures()}

    return area

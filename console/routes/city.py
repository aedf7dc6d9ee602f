"""The audit's figures with the city's clock."""

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from console.access import CanRead
from console.views import View
from console.world import World


class AuditView(View):
    """`reported = opened + merged + held + resent + rejected + lost + pending`; `pending` is what intake has yet to judge."""

    now: AwareDatetime = Field(description="the city's clock")
    speed: float = Field(description="city seconds per real second")
    reported: int
    opened: int
    merged: int
    held: int
    resent: int
    rejected: int
    lost: int
    pending: int


def router(world: World) -> APIRouter:
    """`/api/v1/audit`."""
    area = APIRouter(prefix="/api/v1", tags=["city"])

    @area.get("/audit", summary="Figures of the audit, and the clock")
    async def audit(person: CanRead, response: Response) -> AuditView:
        """Every report of the city accounted for, as of the last second, and the city's clock."""
        response.headers["Cache-Control"] = "no-store"
        return AuditView(now=world.clock.now(), speed=world.clock.speed, **world.counters.figures())

    return area

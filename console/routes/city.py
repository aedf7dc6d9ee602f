"""The audit's figures with the city's clock."""

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, ConfigDict, Field

from console.access import CanRead
from console.views import View
from console.world import World


class AuditView(View):
    """`reported = opened + merged + held + resent + rejected + lost + pending`; `pending` is what intake has yet to judge."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "now": "2026-11-21T01:30:00Z",
                    "speed": 1.0,
                    "reported": 4012,
                    "opened": 640,
                    "merged": 3201,
                    "held": 120,
                    "resent": 40,
                    "rejected": 11,
                    "lost": 0,
                    "pending": 0,
                }
            ]
        }
    )

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

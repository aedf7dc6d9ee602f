"""`/api/v1/units`: who handles cases, by key, as dispatchers and transfers need them. Where they are is another address."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from console.access import CanRead
from console.views import View
from console.world import World
from incidents.catalogue import Named, Unit

Key = Annotated[str | None, Query(min_length=1, max_length=64)]


class UnitView(View):
    """An office, vehicle, drone or crew; `handles` are the categories and domains that it is fit for, none: all."""

    key: str
    name: Named
    kind: str
    level: str
    district: str | None
    area: str | None = Field(description="code of a subdistrict, community or grid that it is for")
    parent: str | None
    handles: list[str]


class UnitsView(View):
    """Units in the order of the city's file."""

    units: list[UnitView]


def router(world: World) -> APIRouter:
    """`/api/v1/units`."""
    area = APIRouter(prefix="/api/v1", tags=["city"])

    @area.get("/units", summary="Who handles cases")
    def units(person: CanRead, kind: Key = None, district: Key = None, level: Key = None) -> UnitsView:
        """All units of the city, or those of a kind, a district, a level."""
        wanted = {"kind": kind, "district": district, "level": level}
        found = (unit for unit in world.city.units if all(getattr(unit, name) == value for name, value in wanted.items() if value))
        return UnitsView(units=[_view(unit) for unit in found])

    return area


def _view(unit: Unit) -> UnitView:
    return UnitView.model_validate(unit.model_dump(include=set(UnitView.model_fields)))

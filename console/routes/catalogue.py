"""What never changes while the process lives: the names of the city, and its districts' outlines."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from console.access import CanRead
from console.tagged import Tagged
from console.views import View
from console.world import World
from incidents.catalogue import ClockKind, Named
from incidents.vocabulary import Closes, Grade, Nature, Severity

GEOJSON = "application/geo+json"
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "the copy named by `If-None-Match` still holds"}}


class CityView(Named):
    """The city."""

    code: str
    zone: str = Field(description="its time zone, by its IANA name")


class ConditionView(Named):
    """A filing condition with its limit."""

    key: str
    clock: ClockKind
    limit: float
    grade: Grade
    severity: Severity | None


class CategoryView(Named):
    """A row of the catalogue."""

    domain: str
    code: str
    nature: Nature
    severity: Severity
    close: Closes
    lead: str = Field(description="kind of unit")
    closing_condition: Named
    conditions: list[ConditionView]


class DistrictView(Named):
    """A district; `subdistricts` by code."""

    subdistricts: dict[str, Named]


class LayersView(View):
    """Base layers of the map that the city's own network has (docs/settings.md, CITYLOOP_BASE_LAYERS)."""

    layers: list[dict[str, Any]] = Field(description="id, names, tiles, attribution, tile_size, max_zoom, opacity")


class CatalogueView(View):
    """Names by key in Chinese and English, and what belongs to them."""

    city: CityView
    categories: dict[str, CategoryView]
    domains: dict[str, Named]
    units: dict[str, Named]
    districts: dict[str, DistrictView]
    levels: list[str] = Field(description="the highest first")
    rules: str = Field(description="hash of the city's rules")
    map: LayersView = LayersView(layers=[])


def router(world: World) -> APIRouter:
    """`/api/v1/catalogue`, `/api/v1/districts`."""
    area = APIRouter(prefix="/api/v1", tags=["city"])
    names, outlines = Tagged.of(world.catalogue), Tagged.of(world.outlines, GEOJSON)

    @area.get("/catalogue", summary="Names and limits", response_model=CatalogueView, responses=NOT_MODIFIED)
    async def catalogue(person: CanRead, request: Request) -> Response:
        """Names of the city, its categories with conditions and limits, units and districts, in Chinese and English."""
        return names.answer(request)

    @area.get("/districts", summary="Outlines of the districts", response_class=Response, responses=NOT_MODIFIED | outlines_said())
    async def districts(person: CanRead, request: Request) -> Response:
        """GeoJSON, WGS-84, with a point for each name (`label`); `schematic` says that a shape is invented."""
        return outlines.answer(request)

    return area


def outlines_said() -> dict[int | str, dict[str, Any]]:
    """The answer in GeoJSON, for the document."""
    square = [[[120.3, 36.0], [120.4, 36.0], [120.4, 36.1], [120.3, 36.0]]]
    properties = {"name": "市南区", "label": [120.35, 36.05]}
    feature = {"type": "Feature", "id": "370202", "properties": properties, "geometry": {"type": "Polygon", "coordinates": square}}
    schema = {
        "type": "object",
        "required": ["type", "features"],
        "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": {"type": "object"}}},
    }
    example = {"type": "FeatureCollection", "features": [feature]}
    return {200: {"description": "a FeatureCollection", "content": {GEOJSON: {"schema": schema, "example": example}}}}

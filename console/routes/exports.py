"""Cases taken out of the system: tables for a spreadsheet or a map, and one case as a file that proves itself. Every one is journalled."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from console.access import CanExport
from console.case_export import as_csv, as_geojson
from console.case_file import CaseFile, case_file
from console.filters import Asked, CaseAsk
from console.routes.cases import FRESH, Name
from console.world import World
from incidents.journal import Kind
from incidents.rights import Person, scope_of

CSV, GEOJSON = "text/csv; charset=utf-8", "application/geo+json"


def _file(media_type: str, description: str, example: str | dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string" if isinstance(example, str) else "object"}, "example": example}}
    headers = {"Content-Disposition": {"description": "the file's name", "schema": {"type": "string"}}}
    return {200: {"description": description, "content": content, "headers": headers}}


def router(world: World) -> APIRouter:
    """`/api/v1/exports/cases.csv`, `/api/v1/exports/cases.geojson`, `/api/v1/cases/{id}/file`."""
    area = APIRouter(prefix="/api/v1", tags=["exports"])

    @area.get(
        "/exports/cases.csv",
        summary="Cases as CSV",
        response_class=StreamingResponse,
        responses=_file("text/csv", "UTF-8 with byte order mark, a line per case", "\ufeffcase_id,state,…"),
    )
    def cases_csv(person: CanExport, asked: Asked) -> StreamingResponse:
        """The cases of the filters for a spreadsheet: names beside keys, times of the city, nothing that would run as a formula."""
        return _sent(world, person, asked, "csv", CSV, as_csv(world.city, _rows(world, person, asked)))

    @area.get(
        "/exports/cases.geojson",
        summary="Cases as GeoJSON",
        response_class=StreamingResponse,
        responses=_file(GEOJSON, "a FeatureCollection of points", {"type": "FeatureCollection", "features": []}),
    )
    def cases_geojson(person: CanExport, asked: Asked) -> StreamingResponse:
        """The cases of the filters for a map program, WGS-84, each with its row as properties."""
        return _sent(world, person, asked, "geojson", GEOJSON, as_geojson(_rows(world, person, asked)))

    @area.get("/cases/{case_id}/file", summary="A case as a file that proves itself")
    def file(case_id: Name, person: CanExport) -> CaseFile:
        """The case, its facts, reports and evidence hashes, personal data masked, and all that the journal says of it with its proof."""
        return case_file(world, person, case_id)

    return area


def _rows(world: World, person: Person, asked: CaseAsk) -> Iterator[dict[str, Any]]:
    return world.query.rows(scope_of(person), asked.filter())


def _sent(world: World, person: Person, asked: CaseAsk, kind: str, media_type: str, body: Iterator[bytes]) -> StreamingResponse:
    """The file, after the journal has it."""
    filters = asked.model_dump(mode="json", exclude_defaults=True)
    world.journal.append(Kind.EXPORTED, person.id, {"what": "cases", "format": kind, "filters": filters, "district": person.district})
    name = f"cases-{world.city.key}-{world.clock.now():%Y%m%dT%H%M%SZ}.{kind}"
    return StreamingResponse(body, media_type=media_type, headers=FRESH | {"Content-Disposition": f'attachment; filename="{name}"'})

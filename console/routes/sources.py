"""`POST /api/v1/sources/{mapping}`: records of other systems as they have them, made reports by a mapping file of the city."""

from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from console.access import CanReport, MayReport
from console.problems import Problem
from console.reports import MOST_REPORTS, Refused, not_json
from console.routes.events import Accepted, Partial, accepted
from console.world import World
from incidents.errors import BadReport, RejectReason
from incidents.mapping import Mapping, Translated, Translator

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"type": "object"}, {"type": "array", "maxItems": MOST_REPORTS, "items": {"type": "object"}}]},
            }
        },
    }
}


class MappingTold(BaseModel):
    """One mapping."""

    name: str
    about: str
    columns: list[str] = Field(description="what it reads of a record; `a.b` is the member `b` of the object `a`")


class Mappings(BaseModel):
    """Those of the city."""

    mappings: list[MappingTold]


def router(world: World) -> APIRouter:
    """`/api/v1/sources`."""
    area = APIRouter(prefix="/api/v1", tags=["reports"])

    @area.get("/sources", summary="Mappings of the city")
    async def mappings(person: CanReport) -> Mappings:
        """The city's mappings, and what each reads of a record."""
        told = [MappingTold(name=name, about=each.about, columns=list(each.columns)) for name, each in sorted(world.mappings.items())]
        return Mappings(mappings=told)

    @area.post("/sources/{mapping}", status_code=202, openapi_extra=BODY, summary="Send records of another system")
    async def report_records(mapping: str, request: Request, person: MayReport, partial: Partial = False) -> Accepted:
        """Foreign records, an object or an array of up to 1,000; answers as `/events`. A refusal names the column and the value's field."""
        rules = world.mappings.get(mapping)
        if rules is None:
            known = ", ".join(sorted(world.mappings)) or "none"
            raise Problem(404, "not_found", "Not found", f"there is no mapping {mapping!r}; this city has: {known}")
        records = _records(await request.body())
        translator = Translator(rules, world.city.code, world.city.key)
        translated = [(at, found) for at, found in enumerate(map(translator.translate, records)) if found.event or found.problems]
        looked = await world.reports.take([_value(found) for _, found in translated], partial)
        looked.refused = [_foreign(each, translated[each.index], rules) for each in looked.refused]
        return accepted(looked, partial).model_copy(update={"skipped": len(records) - len(translated)})

    return area


def _records(body: bytes) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise not_json(str(error)) from None
    records = found if isinstance(found, list) else [found]
    if len(records) > MOST_REPORTS:
        detail = f"{len(records)} records in one array; send at most {MOST_REPORTS} at once"
        raise Problem(413, "too_large", "That is too much for one request", detail)
    if not all(isinstance(each, dict) for each in records):
        raise not_json("a record is a JSON object")
    return records


def _value(found: Translated) -> bytes | BadReport:
    """The report's bytes; what the mapping could not translate is refused, by the column's name."""
    if found.problems:
        column, message = found.problems[0]
        return BadReport(RejectReason.INVALID_VALUE, f"column {column!r}: {message}")
    return orjson.dumps(found.event)


def _foreign(refused: Refused, of: tuple[int, Translated], rules: Mapping) -> Refused:
    """The refusal in the words of who sent the record: its place in the request, and the column instead of our field."""
    index, found = of
    ours = {"id": rules.id, "time": rules.time.column, **{f"data.{path}": name for path, name in rules.fields.items()}}
    column = found.problems[0][0] if found.problems else ours.get(refused.path or "", refused.path)
    return replace(refused, index=index, path=column)

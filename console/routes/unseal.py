"""`POST /api/v1/cases/{id}/unseal`: personal data of a case, opened for a person who says what for; the journal knows before they do."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.seals import Opened
from console.access import CanUnseal
from console.commands import CaseName
from console.problems import Problem, invalid, not_found
from console.world import World
from incidents.journal import Kind
from incidents.rights import scope_of
from incidents.sealing import seals_of_case

LEAST_PURPOSE = 10
FieldName = Literal["reporter", "plate", "building.unit", "building.floor"]


class Wish(BaseModel):
    """What is to be opened, and what for."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(
        min_length=LEAST_PURPOSE,
        max_length=500,
        description="why, in words an auditor understands; it stands in the journal beside the name",
        examples=["回访来电人，核实处理结果"],
    )
    fields: list[FieldName] | None = Field(
        None, min_length=1, max_length=10, description="only these; `reporter` is all that is said of them"
    )


class Unsealed(BaseModel):
    """What was opened, by where it stands in the case."""

    case_id: str
    entry: int | None = Field(description="number of the journal's entry; null where there was nothing to open")
    values: dict[str, Any] = Field(examples=[{"statements.0.reporter.phone": "13800001111", "personal.0.values.plate": "鲁B12345"}])
    erased: dict[str, str] = Field(
        description="erased for good, and on which day (UTC)", examples=[{"statements.1.reporter.phone": "2026-05-20"}]
    )
    unreadable: dict[str, str] = Field(description="what another system sealed, or what is broken, and why")


GONE: dict[str, Any] = {"description": "all of it is erased; `erased` says what and on which day"}


def router(world: World) -> APIRouter:
    """`/api/v1/cases/{case_id}/unseal`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])

    @area.post("/cases/{case_id}/unseal", responses={410: GONE}, summary="Open sealed personal data, for a purpose")
    def unseal(case_id: Annotated[CaseName, Path()], wish: Wish, person: CanUnseal, response: Response) -> Unsealed:
        """Who opened what, when and what for is in the journal before it is answered; nothing of it is cached or logged."""
        if len(purpose := wish.purpose.strip()) < LEAST_PURPOSE:
            raise invalid(f"purpose: say in at least {LEAST_PURPOSE} letters what for; it stands in the journal beside your name")
        found = world.query.case(scope_of(person), case_id)
        if found is None:
            raise not_found("case", case_id)
        wanted = [each for each in seals_of_case(found.case) if _is_wanted(each.bound.field, wish.fields)]
        entry = None
        if wanted:
            fields = sorted({each.bound.field for each in wanted})
            what = {"case_id": case_id, "district": found.row["district"], "purpose": purpose, "fields": fields, "values": len(wanted)}
            entry = world.journal.append(Kind.UNSEALED, person.id, what)
        response.headers["Cache-Control"] = "no-store"
        return _told(case_id, entry, world.sealer.open(wanted))

    return area


def _is_wanted(field: str, fields: list[FieldName] | None) -> bool:
    return fields is None or field in fields or field.partition(".")[0] in fields


def _told(case_id: str, entry: int | None, opened: list[Opened]) -> Unsealed:
    erased = {each.found.path: _as_date(each.erased_on) for each in opened if each.erased_on}
    if opened and len(erased) == len(opened):
        detail = f"the keys of this data were erased, the last on {max(erased.values())}: nobody can open it again"
        raise Problem(410, "gone", "Erased", detail, erased=erased)
    return Unsealed(
        case_id=case_id,
        entry=entry,
        values={each.found.path: each.value for each in opened if not each.erased_on and not each.why},
        erased=erased,
        unreadable={each.found.path: each.why for each in opened if each.why},
    )


def _as_date(day: str) -> str:
    return datetime.strptime(day, "%Y%m%d").date().isoformat()  # noqa: DTZ007  # a day has no zone

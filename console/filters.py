"""The filters that lists, map and exports share, as they stand in an address; what of it is wrong is refused with its name and value."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from adapters.case_filter import Bbox, Filter, Tab
from adapters.case_orders import Sort
from console.wire import Moment
from incidents.errors import UserError
from incidents.vocabulary import Channel, Severity, State

NUMBER = r"-?\d{1,3}(\.\d{1,12})?"
BOX = rf"^{NUMBER},{NUMBER},{NUMBER},{NUMBER}$"
CURSOR = r"^[A-Za-z0-9_=.-]{1,200}$"
MOST_VALUES = 50
MOST_LIMIT = 500


def box_of(text: str) -> Bbox:
    """The box in words as numbers. Raises UserError for one that is inside out."""
    west, south, east, north = map(float, text.split(","))
    if west > east or south > north:
        raise UserError(f"bbox={text} is inside out: write west,south,east,north, as in 120.3,36.0,120.5,36.2")
    return west, south, east, north


Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
Keys = Annotated[list[Key], Field(max_length=MOST_VALUES)]
Box = Annotated[str, Field(pattern=BOX)]


class CaseAsk(BaseModel):
    """Which cases. A filter given several times takes any of its values; different filters must all hold."""

    model_config = ConfigDict(extra="forbid")

    status: list[State] = Field(default_factory=list, max_length=len(State), description="in one of these states")
    tab: Tab | None = Field(None, description="in this queue of the operations page: who must act next")
    district: Keys = Field(default_factory=list, description="codes of districts")
    category: Keys = Field(default_factory=list, description="keys of categories")
    unit: Keys = Field(default_factory=list, description="keys of units that lead")
    grid: Keys = Field(default_factory=list, description="codes of 100 m cells")
    severity: list[Severity] = Field(default_factory=list, max_length=len(Severity))
    channel: list[Channel] = Field(default_factory=list, max_length=len(Channel))
    overdue: bool | None = Field(None, description="past the limit, or not")
    bbox: Box | None = Field(None, description="west,south,east,north in WGS-84 degrees", examples=["120.3,36.0,120.5,36.2"])
    since: Moment | None = Field(None, description="opened at or after this moment", examples=["2026-11-21T00:00:00+08:00"])
    until: Moment | None = Field(None, description="opened before this moment")
    q: str | None = Field(None, max_length=200, description="words of the address or description, a category, a unit, or a case's number")
    id: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]] = Field(
        default_factory=list, max_length=MOST_VALUES, description="only these cases"
    )

    def filter(self) -> Filter:
        """As the query layer takes it. Raises UserError."""
        said = {name: getattr(self, name) for name in CaseAsk.model_fields if name != "bbox"}
        return Filter.model_validate(said | {"bbox": box_of(self.bbox) if self.bbox else None})


class CaseListAsk(CaseAsk):
    """A page of a list."""

    sort: Sort = Field(Sort.NEWEST, description="all but `newest` are orders of work: they show open cases only")
    cursor: str | None = Field(None, pattern=CURSOR, description="the `next` of the page before, with the same filters and order")
    limit: int = Field(50, ge=1, le=MOST_LIMIT)


Asked = Annotated[CaseAsk, Query()]
ListAsked = Annotated[CaseListAsk, Query()]

"""`/api/v1/indicators`: figures of the evaluation with numerator, denominator and rule, of the cases that exist for the person."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from console.access import CanRead
from console.figures import Asked
from console.views import View
from console.world import World
from incidents.catalogue import Named
from incidents.indicators import Anchor, Dimension
from incidents.rights import scope_of

PERIOD = r"^(all|[12]\d{3}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?|[12]\d{3}-W(0[1-9]|[1-4]\d|5[0-3]))$"

Period = Annotated[
    str | None,
    Query(pattern=PERIOD, description="a day 2026-11-21, a week 2026-W47, a month 2026-11, or all; this month where none is named"),
]
By = Annotated[Dimension, Query(description="broken down by")]
Keys = Annotated[list[str] | None, Query(max_length=100, description="only these indicators, by key", examples=[["closure_rate"]])]


class FigureView(View):
    """An indicator for one value of a dimension; `denominator` and `rate` are None for a count, `rate` where there is nothing to judge."""

    indicator: str
    name: Named
    rule: str = Field(description="numerator / denominator, in flags of a case (docs/evaluation.md)")
    by: Anchor = Field(description="the day on which a case counts")
    post: str | None
    dimension: Dimension
    value: str
    value_name: Named | None
    numerator: int
    denominator: int | None
    rate: float | None
    adjusted_numerator: int = Field(description="after upheld appeals")
    adjusted_denominator: int | None
    adjusted_rate: float | None


class FiguresView(View):
    """Figures as of the newest fact that the evaluation has read; `rules` is the hash of the indicators' file."""

    period: str
    as_of: AwareDatetime
    rules: str
    figures: list[FigureView]


class ScoreView(View):
    """A unit's score with the figures that it is made of; None where it had nothing to do."""

    unit: str
    name: Named
    raw: float | None
    adjusted: float | None
    parts: list[FigureView]


class ScoresView(View):
    """Units by adjusted score, the best first."""

    period: str
    as_of: AwareDatetime
    rules: str
    units: list[ScoreView]


def router(world: World) -> APIRouter:
    """`/api/v1/indicators`, `/api/v1/indicators/scores`."""
    area = APIRouter(prefix="/api/v1", tags=["evaluation"])

    @area.get("/indicators", summary="Figures of a period")
    def indicators(person: CanRead, by: By = Dimension.DISTRICT, period: Period = None, indicator: Keys = None) -> FiguresView:
        """Each with its counts and the rule that made it, raw and adjusted by upheld appeals; of a district's people for their district."""
        return FiguresView.model_validate(world.figures.show(Asked(scope_of(person), period, by, tuple(indicator or ()))))

    @area.get("/indicators/scores", summary="Units by score")
    def scores(person: CanRead, period: Period = None) -> ScoresView:
        """60 on-time handling + 30 closure + 10 (1 - rework), weights of the city; with the counts behind them."""
        return ScoresView.model_validate(world.figures.scores(Asked(scope_of(person), period)))

    return area

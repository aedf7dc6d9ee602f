"""`/api/v1/similar`: what may be the same thing, while somebody is still typing it: near, of one kind, in like words."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from adapters.case_query import Near
from console.access import CanRead
from console.case_page import neighbour
from console.commands import CaseName
from console.filters import Key
from console.routes.cases import FRESH
from console.views import SimilarPage, SuggestionView
from console.world import World
from incidents.likeness import NEAR_M, WITHIN_DAYS, alike, likeness
from incidents.rights import Scope, scope_of

MOST = 20
READ_WORDS_OF = 60
"""So many of the nearest are compared by their words, too."""

Category = Annotated[Key, Query(description="key of the category", examples=["road_spillage"])]
Lon = Annotated[float, Query(ge=-180, le=180, examples=[120.3826])]
Lat = Annotated[float, Query(ge=-90, le=90, examples=[36.0671])]
Text = Annotated[str | None, Query(max_length=500, description="what was said so far")]
Exclude = Annotated[CaseName | None, Query(description="a case that is not its own duplicate")]


def router(world: World) -> APIRouter:
    """`/api/v1/similar`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])

    @area.get("/similar", summary="Likely duplicates")
    def similar(  # noqa: PLR0913  # one parameter per question
        person: CanRead, response: Response, category: Category, lon: Lon, lat: Lat, text: Text = None, exclude: Exclude = None
    ) -> SimilarPage:
        """Cases of the category's family within 250 m and 90 days, the likeliest first; shown to a person, who decides."""
        response.headers.update(FRESH)
        scope, here = scope_of(person), (lon, lat)
        near = world.query.similar(scope, category, here, NEAR_M, world.clock.now() - timedelta(days=WITHIN_DAYS))
        asked = [each for each in near if each.row["case_id"] != exclude][:READ_WORDS_OF]
        found = [_suggestion(world, scope, each, (category, here, text)) for each in asked]
        return SimilarPage(similar=sorted(found, key=lambda each: (-(each.score or 0), each.distance_m))[:MOST])

    return area


def _suggestion(world: World, scope: Scope, near: Near, asked: tuple[str, tuple[float, float], str | None]) -> SuggestionView:
    category, here, text = asked
    words = None
    if text and (whole := world.query.case(scope, near.row["case_id"])) is not None:
        words = alike(text, " ".join(filter(None, [whole.case.get("description"), near.row["address"]])))
    score = likeness(world.city, near.distance_m, (category, near.row["category"]), words)
    return neighbour(near.row, here, world.clock.now(), round(score, 3))

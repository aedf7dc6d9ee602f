"""`GET /api/v1/hooks`: who is told, what is on its way, what was given up. `GET /api/v1/cases/{id}/notices`: who was told of a case."""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Response

from adapters.deliveries import State
from adapters.hook_subscribed import subscribed
from console.access import CanRead
from console.hook_views import (
    HooksView,
    NoticesView,
    delivery_view,
    notice_view,
    queue_view,
    rule_names,
    rule_views,
    silence_view,
    target_views,
)
from console.problems import Problem, not_found
from console.routes.cases import FRESH, Name
from console.world import World
from incidents.rights import Person, scope_of

SHOWN = 50
"""Deliveries of each kind; `cityloop hooks list` has all."""


def router(world: World) -> APIRouter:
    """The reading side of notices."""
    area = APIRouter(prefix="/api/v1", tags=["notices"])

    @area.get("/hooks", summary="Who is told, what is on its way, what was given up")
    async def hooks(person: CanRead, response: Response) -> HooksView:
        """Of the whole city, so only for who sees all of it. Targets in trouble come first; the newest 50 dead, the oldest 50 that wait."""
        response.headers.update(FRESH)
        _whole_city(person)
        now, view = datetime.now(UTC), world.hook_view
        silences = await asyncio.to_thread(world.silences.listed, expired=False)
        return HooksView(
            configured=world.hooks.value is not None,
            ready=await view.is_complete(),
            dispatching=await view.dispatches(),
            queue=queue_view(await view.standing(int(now.timestamp() * 1000))),
            targets=target_views(world.hooks.value, await view.targets()),
            rules=rule_views(world.hooks.value, await view.hits(rule_names(world.hooks.value))),
            silences=[silence_view(each, now) for each in silences],
            dead=[delivery_view(each) for each in await view.deliveries(State.DEAD, SHOWN)],
            waiting=[delivery_view(each) for each in await view.deliveries(State.WAITING, SHOWN)],
        )

    @area.get("/cases/{case_id}/notices", summary="Who was told of a case, who was not, and why")
    async def notices(case_id: Name, person: CanRead, response: Response) -> NoticesView:
        """The newest 50 decisions of the last 30 days, each with the messages that came of it, as far as they are remembered; then what
        subscribers were told of its facts (node `subscription`)."""
        response.headers.update(FRESH)
        found = await asyncio.to_thread(world.query.case, scope_of(person), case_id)
        if found is None:
            raise not_found("case", case_id)
        view = world.hook_view
        said = await view.explained(case_id)
        names = [each.name for each in await view.targets()] if any(each.notice for each in said) else []
        told = [notice_view(each, await view.became(each.deliveries(names))) for each in said]
        subscriptions = world.hooks.value.subscriptions if world.hooks.value is not None else ()
        facts = await subscribed(case_id, found.row["sequence"], subscriptions, view.became)
        return NoticesView(notices=[*told, *(notice_view(*each) for each in facts)])

    return area


def _whole_city(person: Person) -> None:
    if not scope_of(person).covers(None, ()):
        detail = "notices are shown to who sees the whole city; of a case of your own: GET /api/v1/cases/{case_id}/notices"
        raise Problem(403, "forbidden", "Not yours to see", detail)

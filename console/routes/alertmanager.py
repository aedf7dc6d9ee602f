"""`/api/v2`: what Prometheus, amtool, karma and Grafana want of an Alertmanager, answered as it answers (its api/v2/openapi.yaml).

An alert that fires becomes a case of category `system`, which ends with it. Silences hold for notices of all cases; who acts for one
district only makes silences that name it. Refusals here are what Alertmanager's clients can read: a JSON string, and 400 for 422.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.silences import NoSuchSilence, in_force
from config.notice_tree import matcher_of
from console.access import CanRead, CanReport, CanSilence
from console.alert_states import AlertAsk, Alerts, as_configuration
from console.alertmanager_views import (
    MOST_ALERTS,
    AlertIn,
    AlertView,
    ClusterStatus,
    ConfigText,
    GroupView,
    Receiver,
    SilenceId,
    SilenceIn,
    SilenceView,
    StatusView,
    VersionInfo,
)
from console.openapi import VERSION
from console.problems import Problem, not_found
from console.world import World
from incidents.notice_rules import BoardRules
from incidents.notice_tree import Matcher, Op
from incidents.posted import Posted, posted
from incidents.rights import Person, scope_of
from incidents.silences import KeptSilence

NOTHING = Response(status_code=200)
Filters = Annotated[list[str], Query(max_length=50, description='matchers, as in `severity="critical"`; all must hold')]
SilenceName = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,100}$")]
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "maxItems": MOST_ALERTS, "items": AlertIn.model_json_schema()}}},
    }
}


class Ask(BaseModel):
    """Which alerts; everything is wanted unless it is said otherwise."""

    model_config = ConfigDict(extra="forbid")

    filter: list[str] = Field(default_factory=list, max_length=50, description='matchers, as in `severity="critical"`; all must hold')
    receiver: str | None = Field(None, max_length=200, description="an expression (RE2) that a receiver's whole name fits")
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True

    def asked(self) -> AlertAsk:
        """The same, understood. Raises Problem 400."""
        rest = self.model_dump(exclude={"filter"})
        return AlertAsk(matchers=matchers_of(self.filter), **rest)


def router(world: World) -> APIRouter:
    """`/api/v2`."""
    area = APIRouter(prefix="/api/v2", tags=["alerts"])
    _alerts(area, world)
    _silences(area, world)
    _about(area, world)
    return area


def _alerts(area: APIRouter, world: World) -> None:
    @area.post("/alerts", openapi_extra=BODY, response_class=Response, summary="Post alerts")
    async def post_alerts(request: Request, person: CanReport) -> Response:
        """Alerts as Prometheus sends them: firing, or over when `endsAt` has passed; 5 minutes after the last word without one.

        What is right is taken, and durable when this answers; what is not is named in a 400.
        """
        taken, refused = alerts_of(await request.body(), world)
        if taken:
            await world.alerts.take(taken)
        if refused:
            raise bad("; ".join(refused[:20]))
        return NOTHING

    @area.get("/alerts", summary="Alerts that fire")
    async def get_alerts(person: CanRead, ask: Annotated[Ask, Query()]) -> list[AlertView]:
        """What was posted and is not over, by fingerprint, with who is told of it. Alerts are of no district: only who sees the whole
        city sees them."""
        return (await _fire(world, person)).views(ask.asked())

    @area.get("/alerts/groups", summary="Alerts by group")
    async def get_alert_groups(person: CanRead, ask: Annotated[Ask, Query()]) -> list[GroupView]:
        """The same, as the routing tree puts them together for its receivers."""
        return (await _fire(world, person)).groups(ask.asked())


def _silences(area: APIRouter, world: World) -> None:
    @area.post("/silences", responses={404: {"description": "`id` names no silence"}}, summary="Silence notices")
    async def post_silences(silence: SilenceIn, person: CanSilence) -> SilenceId:
        """Nobody is told of what all matchers match, from `startsAt` to `endsAt`; with `id` in the place of that silence. Whoever acts
        for one district names it: `district="370202"`."""
        try:
            wish = silence.wish()
        except ValidationError as error:
            raise bad("; ".join(each["msg"] for each in error.errors())) from None
        if not _is_mine(person, matchers_of(wish.matchers)):
            raise bad(f'you act for district {person.district}: add the matcher district="{person.district}"')
        if silence.id:
            await _one(world, person, silence.id)
        kept = await asyncio.to_thread(world.silences.put, wish, person.id, silence.id or None)
        return SilenceId(silenceID=kept.id)

    @area.get("/silences", summary="Silences")
    async def get_silences(person: CanRead, filter: Filters = []) -> list[SilenceView]:  # noqa: A002, B006  # Alertmanager's word
        """All that are still to come or hold, and those that ended within five days."""
        wanted = {(each.label, each.op, each.value) for each in matchers_of(filter)}
        found = await asyncio.to_thread(world.silences.listed)
        mine = ((each, matchers_of(each.matchers)) for each in found)
        now = world.alerts.now()
        return [
            SilenceView.of(each, matchers, now)
            for each, matchers in mine
            if _is_mine(person, matchers) and wanted <= {(one.label, one.op, one.value) for one in matchers}
        ]

    @area.get("/silence/{silence_id}", summary="One silence")
    async def get_silence(silence_id: SilenceName, person: CanRead) -> SilenceView:
        """By its id, also one that has ended within five days."""
        kept = await _one(world, person, silence_id)
        return SilenceView.of(kept, matchers_of(kept.matchers), world.alerts.now())

    @area.delete("/silence/{silence_id}", response_class=Response, summary="End a silence")
    async def delete_silence(silence_id: SilenceName, person: CanSilence) -> Response:
        """From now on notices go out again; it stays to be seen for five days."""
        await _one(world, person, silence_id)
        await asyncio.to_thread(world.silences.expire, silence_id, person.id)
        return NOTHING


def _about(area: APIRouter, world: World) -> None:
    began = datetime.now(UTC)

    @area.get("/status", summary="What this is")
    async def get_status(person: CanRead) -> StatusView:
        """Version, and the routing tree as Alertmanager would write it, without addresses; there is no cluster of peers."""
        tree = as_configuration(_rules(world))
        return StatusView(cluster=ClusterStatus(), versionInfo=VersionInfo(version=VERSION), config=ConfigText(original=tree), uptime=began)

    @area.get("/receivers", summary="Who may be told")
    async def get_receivers(person: CanRead) -> list[Receiver]:
        """The receivers of the routing tree, by name."""
        rules = _rules(world)
        nodes = rules.tree.nodes() if rules is not None else ()
        return [Receiver(name=name) for name in sorted({node.options.receiver for node in nodes})]


def _rules(world: World) -> BoardRules | None:
    return None if world.hooks.value is None else world.hooks.value.rules


async def _fire(world: World, person: Person) -> Alerts:
    now = world.alerts.now()
    kept = await world.alerts.firing() if scope_of(person).covers(None, ()) else []
    silences = in_force(await asyncio.to_thread(world.silences.listed, expired=False), now, world.city.worktime.zone)
    return Alerts(world.city, _rules(world), kept, silences, now)


async def _one(world: World, person: Person, silence_id: str) -> KeptSilence:
    """A silence that the person may know of. Raises Problem 404."""
    try:
        kept = await asyncio.to_thread(world.silences.get, silence_id)
    except NoSuchSilence:
        raise not_found("silence", silence_id) from None
    if not _is_mine(person, matchers_of(kept.matchers)):
        raise not_found("silence", silence_id)
    return kept


def _is_mine(person: Person, matchers: Sequence[Matcher]) -> bool:
    """Whether a silence is about nothing but what the person sees: their whole city, or exactly their district or subdistrict."""
    scope = scope_of(person)
    if scope.unit is not None:
        return False
    narrowest = ("district", scope.districts) if scope.subdistricts is None else ("subdistrict", scope.subdistricts)
    named = {each.value for each in matchers if each.label == narrowest[0] and each.op is Op.IS}
    return narrowest[1] is None or bool(named & set(narrowest[1]))


def alerts_of(body: bytes, world: World) -> tuple[list[Posted], list[str]]:
    """The alerts of a body, and why the others are none. Raises Problem 400 and 413."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad(f"the body is no JSON: {error}") from None
    if not isinstance(found, list):
        raise bad("the body is no array of alerts")
    if len(found) > MOST_ALERTS:
        raise Problem(413, "too_large", "That is too much for one request", f"{len(found)} alerts; send at most {MOST_ALERTS} at once")
    taken: list[Posted] = []
    refused: list[str] = []
    now = world.alerts.now()
    for at, each in enumerate(found):
        try:
            taken.append(posted(AlertIn.model_validate(each).model_dump(), now))
        except ValidationError as error:
            first = error.errors()[0]
            refused.append(f"alert {at}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    return taken, refused


def matchers_of(texts: Sequence[str]) -> tuple[Matcher, ...]:
    """Matchers from their texts. Raises Problem 400."""
    try:
        return tuple(matcher_of(text) for text in texts)
    except ValueError as error:
        raise bad(str(error)) from None


def bad(detail: str) -> Problem:
    """400, as Alertmanager refuses."""
    return Problem(400, "bad_request", "The request is not as Alertmanager wants it", detail)

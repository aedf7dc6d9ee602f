"""Alerts and warnings in the words of their senders: Alertmanager's webhook (version 4), and the Common Alerting Protocol 1.2 in XML."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError

from adapters.cap_xml import MOST_BYTES, BadCap, read_cap
from adapters.posted import Message
from console.access import MayReport
from console.alertmanager_views import MOST_ALERTS, AlertHook, HookAlert
from console.alerts_in import ACTOR
from console.example_values import CAP as EXAMPLE
from console.problems import invalid
from console.world import World
from incidents.cap import CapMessage, MsgType, Status, alert_of, cancelled
from incidents.commands import Command
from incidents.events import CaseId
from incidents.posted import WEBHOOK_AFTER, Posted, posted, statement
from incidents.vocabulary import CommandType

CAP = "application/cap+xml"
XML: dict[str, Any] = {"schema": {"type": "string", "maxLength": MOST_BYTES, "description": "an <alert> of CAP 1.2"}, "example": EXAMPLE}
XML_BODY = {"requestBody": {"required": True, "content": {each: XML for each in (CAP, "application/xml", "text/xml")}}}
HOOK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "alerts"],
    "properties": {"version": {"const": "4"}, "alerts": {"type": "array", "maxItems": MOST_ALERTS, "items": HookAlert.model_json_schema()}},
}
HOOK_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": HOOK_SCHEMA}}}}


class TakenAlerts(BaseModel):
    """What was taken; durable."""

    accepted: int = Field(description="alerts that begin, go on or end")
    skipped: int = Field(0, description="messages that change nothing")
    why: str | None = Field(None, description="why they change nothing")


def router(world: World) -> APIRouter:
    """`/api/v1/sources/alertmanager` and `/cap`."""
    area = APIRouter(prefix="/api/v1", tags=["alerts"])

    @area.post("/sources/alertmanager", openapi_extra=HOOK_BODY, summary="Alertmanager's webhook")
    async def alertmanager_hook(request: Request, person: MayReport) -> TakenAlerts:
        """The body that an Alertmanager sends to `webhook_configs`, version 4: each firing alert is a case, which ends when it is
        resolved, or when nothing was heard of it for 120 hours."""
        alerts = _hooked(await request.body(), world.alerts.now())
        if alerts:
            await world.alerts.take(alerts)
        return TakenAlerts(accepted=len(alerts))

    @area.post("/sources/cap", openapi_extra=XML_BODY, summary="A warning in CAP 1.2")
    async def cap_message(request: Request, person: MayReport) -> TakenAlerts:
        """A CAP message in XML: Alert opens a case, Update adds its words to it and raises its severity, Cancel and `expires` end it.

        Exercise, Test, System and Draft never become a case. The same message again changes nothing.
        """
        try:
            message = read_cap(await request.body())
            return await _taken(world, message)
        except (BadCap, ValidationError, ValueError) as error:
            raise invalid(f"the message cannot be taken: {error}") from None

    return area


def _hooked(body: bytes, now: datetime) -> list[Posted]:
    """The alerts of Alertmanager's body. Raises Problem 422: with `errors` for its shape, without for an alert that cannot be."""
    try:
        hook = AlertHook.model_validate_json(body)
    except ValidationError as error:
        errors = [{"where": ".".join(map(str, each["loc"])), "problem": each["msg"]} for each in error.errors()]
        raise invalid("; ".join(f"{each['where']}: {each['problem']}" for each in errors[:5]), errors) from None
    try:
        return [posted(_firing(each.model_dump(), each.status), now, WEBHOOK_AFTER) for each in hook.alerts]
    except ValidationError as error:
        raise invalid("; ".join(each["msg"] for each in error.errors())) from None


def _firing(alert: dict[str, Any], status: str) -> dict[str, Any]:
    """An open alert says nothing of its end; one that is resolved says when it was."""
    return alert if status == "resolved" else alert | {"endsAt": None}


async def _taken(world: World, message: CapMessage) -> TakenAlerts:
    if message.status is not Status.ACTUAL:
        return _skipped(f"status {message.status}: only Actual messages become cases; nobody is sent anywhere")
    if message.kind in (MsgType.ACK, MsgType.ERROR):
        return _skipped(f"msgType {message.kind} is about the exchange of messages")
    now = world.alerts.now()
    known = None if message.kind is MsgType.ALERT else await world.alerts.find([Message(each) for each in message.references])
    info = message.info
    orders = None
    if message.kind is MsgType.CANCEL:
        if known is None:
            return _skipped("it cancels nothing that is known here, or what is over already")
        alert = cancelled(known.alert, message, now)
    else:
        assert info is not None  # read_cap has seen to it
        alert = alert_of(message, info, world.city, now, known.alert if known else None)
        orders = _orders(message, alert) if known else None
    if not await world.alerts.take([alert], Message(message.name, orders)):
        return _skipped("this message was taken before")
    return TakenAlerts(accepted=1)


def _skipped(why: str) -> TakenAlerts:
    return TakenAlerts(accepted=0, skipped=1, why=why)


def _orders(message: CapMessage, alert: Posted) -> Any:
    """What an update wants of the case: its words beside those of the first message, and the severity if it is more urgent."""

    def orders(case_id: CaseId) -> list[Command]:
        said = statement(alert, message.identifier, message.sent)
        head = {"id": f"alerts:{case_id}:{Message(message.name).key[:32]}", "case_id": case_id, "type": CommandType.SIGHT}
        return [Command.model_validate({**head, "actor": ACTOR, "severity": alert.severity, "statements": (said,)})]

    return orders

"""A JSON Schema (2020-12) for each event that leaves, as a webhook or (its `data`) as a CloudEvent: docs/events/, renewed by `make docs`.

A body grows by optional fields only, so what is not named may be there; what must not leave is held by tests, not by a schema.
"""

from typing import Any

from handlers.shown import ABOUT, ANNOTATIONS, LABELS
from handlers.thin import VERSION
from incidents.vocabulary import FactType

Schema = dict[str, Any]
GROUPS = ("notice.firing", "notice.resolved", "notice.digest")
ABOUT_NO_CASE = (
    *(f"endpoint.{each}" for each in ("failing", "recovered", "disabled")),
    *(f"silence.{each}" for each in ("created", "expiring", "expired")),
    *(f"drill.{each}" for each in ("started", "finished")),
)

_INSTANT: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_STATUS: Schema = {"enum": ["firing", "resolved"]}
_HEAD: Schema = {
    "notice": {**_TEXT, "pattern": "^[A-Za-z0-9_]{1,128}$", "description": "the webhook-id: the same on every attempt"},
    "version": {"const": VERSION},
    "receiver": _TEXT,
    "drill": {"type": "boolean", "description": "an exercise: nobody goes anywhere"},
    "sequence": {**_COUNT, "description": "grows within a case or group: drop what is older than what you know"},
}
_CASE: Schema = {
    "case_id": _TEXT,
    "sequence": _COUNT,
    "fingerprint": _TEXT,
    "labels": {"type": "object", "description": "of the filing; they never change", "properties": dict.fromkeys(sorted(LABELS), _TEXT)},
    "annotations": {"type": "object", "description": "as of `sequence`", "properties": dict.fromkeys(sorted(ANNOTATIONS), _TEXT)},
    "starts_at": _INSTANT,
    "ends_at": {**_INSTANT, "type": ["string", "null"]},
    "link": _TEXT,
}


def schemas() -> dict[str, Schema]:
    """Schema by event type."""
    found = {f"case.{fact.value}": _case() for fact in FactType}
    found |= {kind: _group() for kind in GROUPS} | {kind: _about() for kind in ABOUT_NO_CASE}
    return {kind: _event(kind, data) for kind, data in found.items()}


def _event(kind: str, data: Schema) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        **_object({"type": {"const": kind}, "timestamp": _INSTANT, "data": data}),
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _case() -> Schema:
    return _object(_HEAD | _CASE)


def _group() -> Schema:
    return _object(
        _HEAD
        | {
            "status": _STATUS,
            "reason": {**_TEXT, "description": "Alertmanager's notification_reason, or `digest`"},
            "group": _TEXT,
            "group_labels": {"type": "object", "additionalProperties": _TEXT},
            "digested": {"type": "array", "items": _TEXT, "description": "ids of the notices that this one stands for"},
            "alerts": {"type": "array", "items": _object(_CASE)},
            "truncated": {**_COUNT, "description": "cases that are not listed"},
        }
    )


def _about() -> Schema:
    return _object(_HEAD | {"status": _STATUS, "about": {"type": "object", "properties": dict.fromkeys(sorted(ABOUT), _TEXT)}})

"""What of a case leaves in answers: everything but personal values. Stands between the query side and every answer that shows a case.

A sealed value becomes `{"masked": true, "match": "<first 8>"}`, so that people see which are the same; a plain one, which a foreign
producer wrote to Kafka in clear, becomes `{"masked": true, "match": null}`. Values are opened by `POST /api/v1/cases/{id}/unseal` only.
"""

from collections.abc import Mapping
from typing import Any

from incidents.sealing import is_match, is_seal
from incidents.vocabulary import Match

SHOWN = 8
"""Letters of a `match` that are shown: enough to tell a few hundred apart, too few to be a key to other systems."""

Json = dict[str, Any]


def masked(value: Any) -> Any:
    """A case, a fact or any other part of an answer as JSON, without its personal values."""
    if isinstance(value, dict):
        return mask(value["match"]) if is_seal(value) else {name: _member(name, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return value


def mask(match: str | None) -> Json:
    """What stands for a value; `match` None for one that was never sealed."""
    return {"masked": True, "match": match and match[:SHOWN]}


def _member(name: str, value: Any) -> Any:
    known = isinstance(value, dict)
    if name == "reporter" and known and not is_seal(value):
        return {field: _closed(each) for field, each in value.items()}
    if name in ("plate", "reporter"):
        return _closed(value)
    if name == "building" and known:
        return {field: each if field == "id" else _closed(each) for field, each in value.items()}
    if name == "identity" and known:
        return _identity(value)
    return masked(value)


def _closed(value: Any) -> Any:
    return None if value is None else mask(value["match"] if is_seal(value) else None)


def _identity(identity: Mapping[str, Any]) -> Json:
    """A plate names the thing by its `match`, or by itself when nobody sealed it; buildings and parts are not personal."""
    value = identity.get("value")
    if identity.get("kind") != Match.PLATE or not isinstance(value, str):
        return dict(identity)
    return {**identity, "value": mask(value if is_match(value) else None)}

"""Rows of the case tables as the JSON that the console answers: `CaseRow`, a fact, a point of the map. Times are ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Row

from adapters.case_tables import CASES

_NOT_PLAIN = ("number", "is_open", "urgency", "assisting", "overdue", "square")
_PLAIN = tuple(str(each.name) for each in CASES.columns if each.name not in _NOT_PLAIN and not each.name.endswith("_ms"))
_TIMES = ("opened", "filed", "dispatched", "accepted", "handled", "ended", "entered", "due", "stage_due")
_SEEN = ("first_seen", "last_seen")

Json = dict[str, Any]


def row_shown(row: Row[Any]) -> Json:
    """A row of `cases`, selected with `is_overdue`, as `CaseRow`."""
    has = row._mapping
    shown = {name: has[name] for name in _PLAIN}
    shown |= {f"{name}_at": _iso(has[f"{name}_ms"]) for name in _TIMES}
    shown |= {name: _iso(has[f"{name}_ms"]) for name in _SEEN}
    return shown | {"assisting": orjson.loads(row.assisting), "overdue": bool(row.is_overdue)}


def fact_shown(row: Row[Any]) -> Json:
    """A row of `facts`."""
    plain = {"sequence": row.sequence, "type": row.type, "at": _iso(row.at_ms), "note": row.note, "reason": row.reason}
    return plain | {"actor": orjson.loads(row.actor), "changes": orjson.loads(row.changes)}


def _iso(ms: int | None) -> str | None:
    """
    >>> _iso(1795219200250)
    '2026-11-21T00:00:00.250Z'
    >>> _iso(1795219200000)
    '2026-11-21T00:00:00Z'
    """
    if ms is None:
        return None
    whole = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03}Z" if ms % 1000 else f"{whole}Z"

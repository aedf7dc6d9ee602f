"""The orders of a list of cases and the cursors that its pages go on from: the position of the last row, so that nothing shifts.

Every order ends in the case's number, which no two share; a cursor names its order and is of no use in another.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_

from adapters.case_tables import CASES
from incidents.errors import UserError

NEVER_MS = 1 << 52
"""Stands for the due time of a case that has none: it comes last."""
MOST = 1 << 62
C = CASES.c
DUE = func.coalesce(C.due_ms, NEVER_MS)


class Sort(StrEnum):
    """Orders of a list. All but `newest` are orders of work: they show open cases only."""

    NEWEST = "newest"
    OLDEST = "oldest"
    DUE = "due"
    SEVERITY = "severity"


Number = ColumnElement[int]
Position = tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """`by` sorts; `after` holds for what comes behind a position, and `position` is a row's. `Number`: the column it is read from."""

    by: Callable[[Number], tuple[ColumnElement[Any], ...]]
    after: Callable[..., ColumnElement[bool]]
    position: Callable[[Row[Any]], Position]

    def cut(self, query: Select[Any], number: Number, last: Position | None, most: int | None) -> Select[Any]:
        """The first rows of a query in this order, behind a position."""
        rest = query if last is None else query.where(self.after(number, *last))
        return rest.order_by(*self.by(number)).limit(most)


ORDERS: dict[Sort, Order] = {
    Sort.NEWEST: Order(
        lambda number: (number.desc(),),
        lambda number, last: number < last,
        lambda row: (row.number,),
    ),
    Sort.OLDEST: Order(
        lambda number: (number,),
        lambda number, last: number > last,
        lambda row: (row.number,),
    ),
    Sort.DUE: Order(
        lambda number: (DUE, number),
        lambda number, due, last: or_(due < DUE, and_(due == DUE, number > last)),
        lambda row: (NEVER_MS if row.due_ms is None else row.due_ms, row.number),
    ),
    Sort.SEVERITY: Order(
        lambda number: (C.urgency, number.desc()),
        lambda number, urgency, last: or_(urgency < C.urgency, and_(urgency == C.urgency, number < last)),
        lambda row: (row.urgency, row.number),
    ),
}


def cursor_of(sort: Sort, row: Row[Any]) -> str:
    """Where the page behind this row begins."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, *ORDERS[sort].position(row)])).decode().rstrip("=")


def position(sort: Sort, cursor: str) -> Position:
    """What a cursor says. Raises UserError when it is none, or of another order."""
    try:
        named, *found = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        numbers = all(type(each) is int and abs(each) < MOST for each in found)
        fits = named == sort and numbers and len(found) == len(ORDERS[sort].by(C.number))
    except (ValueError, binascii.Error):
        fits = False
    if not fits:
        raise UserError(f"cursor {cursor[:80]!r} is none of this list sorted by {sort}; ask without a cursor to begin at its first page")
    return tuple(found)

"""One thing to tell the browsers, encoded once: a fact, or who is at a case; and who is told what of it.

Beside the encoded frame stand the few fields that decide who sees it. Whose case it was before the fact, and is no more, is told `gone`.
That is a unit: a case lies where it was opened, for good, so that who sees it by its district or subdistrict loses none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from adapters.console_view import Entry
from incidents.rights import Scope

PRIVATE = ("district", "subdistrict", "unit", "assisting")
"""Fields of a presence that only decide who is told."""


class Event(NamedTuple):
    """A server-sent event; `cursor` None: it is no part of what a browser resumes."""

    cursor: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class News:
    """An event and whose it is: seen by those whose scope covers where it is and one of `units`; the units `was` had it before."""

    cursor: str
    case_id: str
    seen: Event
    district: str | None
    units: tuple[str, ...]
    was: tuple[str, ...] = ()
    subdistrict: str | None = None

    def for_scope(self, scope: Scope) -> Event | None:
        """What this scope is told; None: nothing."""
        if scope.covers(self.district, self.units, self.subdistrict):
            return self.seen
        if self.was and scope.covers(self.district, self.was, self.subdistrict):
            return Event(self.cursor, b'id: %s\nevent: gone\ndata: {"case_id":"%s"}\n\n' % (self.cursor.encode(), self.case_id.encode()))
        return None


def of_fact(entry: Entry) -> News:
    """A fact; the entry's cursor is its id."""
    frame = orjson.loads(entry.frame)
    event = Event(entry.cursor, b"id: %s\nevent: fact\ndata: %s\n\n" % (entry.cursor.encode(), entry.frame))
    return News(entry.cursor, frame["case_id"], event, frame.get("district"), _units(frame), entry.was, frame.get("subdistrict"))


def of_presence(entry: Entry) -> News:
    """Who is at a case: soft, so it carries no id and is not told again to a browser that comes back."""
    frame = orjson.loads(entry.frame)
    told = orjson.dumps({name: value for name, value in frame.items() if name not in PRIVATE})
    event = Event(None, b"event: presence\ndata: %s\n\n" % told)
    return News(entry.cursor, frame["case_id"], event, frame.get("district"), _units(frame), (), frame.get("subdistrict"))


def newest_of_each(facts: Iterable[News]) -> Sequence[News]:
    """Of each case the newest, in the order of their cursors; a unit that had the case in between is still told that it is gone."""
    newest: dict[str, News] = {}
    for each in facts:
        before = newest.pop(each.case_id, None)
        newest[each.case_id] = replace(each, was=(*each.was, *before.was, *before.units)) if before else each
    return list(newest.values())


def _units(frame: dict[str, object]) -> tuple[str, ...]:
    unit, assisting = frame.get("unit"), frame.get("assisting")
    return (*((unit,) if isinstance(unit, str) else ()), *(assisting if isinstance(assisting, list) else ()))

"""Cases as their facts tell them, from the real closure: what tests of the evaluation count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from config.load_indicators import load_evaluation
from config.settings import Settings
from incidents.case import Fact
from incidents.evaluation import Event, Sheet, stage_limits
from incidents.facts import encode_fact
from incidents.flags import flags_at, names, standing
from incidents.indicators import Evaluation, Line, line
from incidents.periods import Days
from tests.incidents.closing import CASE, CITY, PHOTO, Desk, opening, sight

LIMITS = stage_limits(CITY.stages)
DAYS = Days(CITY.time_zone)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
HOURS = {"spillage": 4, "building": 4, "littering": 4}


def evaluation() -> Evaluation:
    """Qingdao's indicators."""
    return load_evaluation(Settings(city="qingdao"))


def events(facts: list[Fact]) -> list[Event]:
    """Facts as they stand on the log, parsed."""
    return [orjson.loads(encode_fact(fact)) for fact in facts]


def sheet(facts: list[Fact]) -> Sheet:
    """What they come to."""
    found = Sheet(facts[0].case_id)
    for event in events(facts):
        found.take(event, LIMITS)
    return found


def counted(desk: Desk) -> Line:
    """The desk's case as it is counted."""
    return line(sheet(desk.facts), LIMITS, DAYS)


def flags(desk: Desk, at: datetime | None = None) -> set[str]:
    """The flags that hold now at the desk, or at a later time."""
    return set(names(flags_at(standing(sheet(desk.facts), LIMITS), round((at or desk.now).timestamp() * 1000))))


def begun(at: datetime | None = None, category: str = "building", **changes: Any) -> Desk:
    """A desk with a case that was just reported."""
    desk = Desk()
    if at:
        desk.now = at
    desk.take(sight(opening=opening(category=category, **changes)))
    return desk


def filed(at: datetime | None = None, **changes: Any) -> Desk:
    """And filed: the limit is four hours from here."""
    desk = begun(at, **changes)
    desk.must("file", "shift_lead")
    return desk


def handling(at: datetime | None = None, unit: str = "clean-1", **changes: Any) -> Desk:
    """And in a unit's hands."""
    desk = filed(at, **changes)
    desk.must("dispatch", "dispatcher", unit=unit)
    desk.must("accept", "unit")
    return desk


def close(desk: Desk, after: timedelta = timedelta()) -> Desk:
    """Handled after a time, checked and closed."""
    desk.now += after
    desk.must("report_handled", "unit", evidence=PHOTO)
    desk.must("pass_check", "checker", evidence=PHOTO)
    desk.must("close", "shift_lead")
    return desk


def rework(desk: Desk) -> Desk:
    """Handled, and a check fails."""
    desk.must("report_handled", "unit", evidence=PHOTO)
    desk.must("fail_check", "checker", reason="still there")
    return desk


def extend(desk: Desk) -> Desk:
    """One extension granted."""
    desk.must("request_extension", "unit", reason="rain")
    desk.must("grant_extension", "dispatcher")
    return desk


def renamed(events_of: list[Event], case_id: str) -> list[bytes]:
    """The same story of another case, as it would stand on the log."""
    return [orjson.dumps(event).replace(CASE.encode(), case_id.encode()) for event in events_of]

"""How a word on a posted alert meets what is known of it: Alertmanager's rules (alert/alert.go TestMerge, provider/mem)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load_city
from config.settings import Settings
from incidents.alerts import alert_of
from incidents.catalogue import SYSTEM
from incidents.posted import Posted, met, occurrence, posted
from incidents.steps import intake
from incidents.vocabulary import State
from tests.incidents.closing import desk_in
from tests.incidents.test_closed_by_source import ALERTS

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
CITY = load_city(Settings(city="qingdao"))


def told(starts: float, ends: float, *, timed_out: bool = False, note: str = "") -> Posted:
    """Minutes from now."""
    at = [NOW + timedelta(minutes=minutes) for minutes in (starts, ends)]
    words = {"note": note} if note else {}
    return Posted(labels={"a": "b"}, annotations=words, starts_at=at[0], ends_at=at[1], updated_at=NOW, timed_out=timed_out)


@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        pytest.param(told(-3, 2, timed_out=True), told(-2, 3, timed_out=True), (-3, 3), id="both by timeout: the later end"),
        pytest.param(told(-3, 2, timed_out=True), told(-2, 1, timed_out=True), (-3, 1), id="a timeout yields to what is said now"),
        pytest.param(told(-3, 4), told(-2, 3, timed_out=True), (-3, 4), id="an end that was said stands against an earlier timeout"),
        pytest.param(told(-2, 5), told(-3, 3), (-3, 5), id="the earliest start and the latest said end"),
        pytest.param(told(-3, 2, timed_out=True), told(-2, -1), (-3, -1), id="an end that is told ends it"),
        pytest.param(told(-5, -1), told(-4, -2), (-5, -1), id="both over: the later end"),
        pytest.param(told(-5, -3), told(-2, 3), (-2, 3), id="no overlap: a new occurrence"),
    ],
)
def test_two_words_on_one_alert(known: Posted, new: Posted, expected: tuple[float, float]) -> None:
    after = met(known, new, NOW)
    assert [(at - NOW) / timedelta(minutes=1) for at in (after.starts_at, after.ends_at)] == list(expected)


def test_the_younger_words_are_kept() -> None:
    assert met(told(-3, 2, note="old"), told(-2, 3, note="new"), NOW).annotations == {"note": "new"}


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [(None, None, (0, 5)), (-10, None, (-10, 5)), (None, -2, (-2, -2)), (-3, 7, (-3, 7)), (2, None, (2, 7))],
)
def test_what_is_not_said_of_its_time(starts: float | None, ends: float | None, expected: tuple[float, float]) -> None:
    said = {name: at and NOW + timedelta(minutes=at) for name, at in (("startsAt", starts), ("endsAt", ends))}
    found = posted({"labels": {"a": "b", "gone": ""}, **said}, NOW)
    assert found.labels == {"a": "b"} and found.timed_out is (ends is None)
    assert [(at - NOW) / timedelta(minutes=1) for at in (found.starts_at, found.ends_at)] == list(expected)


@given(seconds=st.floats(0, 1e8), title=st.text(max_size=50))
def test_the_report_of_an_alert_opens_the_case_that_was_foretold(seconds: float, title: str) -> None:
    """Whoever posted is told the case's id before intake has seen the report."""
    at = NOW + timedelta(seconds=seconds)
    alert = Posted(labels={"alertname": title or "x"}, starts_at=at, ends_at=at, updated_at=at)
    begun = occurrence(alert, CITY, at.astimezone(ZoneInfo("Asia/Shanghai")))
    event = intake.read(orjson.dumps(begun.report))
    moment = intake.moment(event)
    assert intake.category_of(event, CITY).key == "system" and intake.point(event["data"], CITY) is None
    assert intake.opens(event, moment, round(moment.timestamp() * 1000), CITY) == begun.case_id


def test_trees_and_silences_see_the_posted_labels_beside_the_cases() -> None:
    """But nobody who posts says of what district, category or severity a case is."""
    desk = desk_in(State.FILED, SYSTEM, ALERTS)
    labels = {"alertname": "Down", "job": "api", "district": "370202", "category": "gas_leak", "severity": "info"}
    found = alert_of(ALERTS, desk.open.model_copy(update={"attributes": {"labels": labels}}))
    assert found is not None and found.labels["alertname"] == "Down" and found.labels["job"] == "api"
    assert (found.labels["category"], found.labels["severity"], found.labels["district"]) == (SYSTEM, "normal", "1")
    ordinary = alert_of(CITY, desk_in(State.FILED, "building").open.model_copy(update={"attributes": {"labels": labels}}))
    assert ordinary is not None and "alertname" not in ordinary.labels

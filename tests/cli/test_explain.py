"""`cityloop explain`: what became of a report, and by which rule."""

from datetime import UTC, datetime

import pytest

from tests.audit.records import History
from tests.cli.conftest import Cityloop

pytestmark = pytest.mark.stack


def test_a_merged_report_names_its_case_and_the_rule_with_its_numbers(cityloop: Cityloop, history: History) -> None:
    code, [story], _ = cityloop("explain", "/cameras/1", "a4", "--json")
    assert code == 0
    assert (story["verdict"], story["reason"], story["rules"]) == ("merged", "same_place 12 m 340 s", "r1")
    assert (story["case_id"], story["partition"], story["offset"]) == (history.a, 0, 4)


def test_a_program_is_told_rule_and_numbers_by_themselves(cityloop: Cityloop, history: History) -> None:
    _, [story], _ = cityloop("explain", "/cameras/1", "a4", "--json")
    assert (story["rule"], story["distance_m"], story["seconds"], story["held"]) == ("same_place", 12, 340, None)
    assert story["topic"] == history.settings.named("incidents.reported")
    assert datetime.fromisoformat(story["appended_at"]).tzinfo is not None
    _, [opener], _ = cityloop("explain", "/cameras/1", "a0", "--json")
    assert (opener["verdict"], opener["rule"], opener["distance_m"], opener["seconds"]) == ("opened", "opened", None, None)


def test_people_are_told_rule_and_numbers_in_both_languages(cityloop: Cityloop, history: History) -> None:
    said = cityloop("explain", "/cameras/1", "a4")[1]
    assert "归并 Merged: same_place 12 m 340 s (rules r1)" in said
    assert "规则 rule 同一地点 Same place · 距离 distance 12 m · 相隔 apart 340 s" in said


def test_a_report_that_was_sent_twice_is_told_twice(cityloop: Cityloop, history: History) -> None:
    code, stories, _ = cityloop("explain", "/cameras/1", "a2", "--json")
    assert (code, [story["verdict"] for story in stories]) == (0, ["merged", "resent"])


def test_the_story_shows_the_way_to_the_case(cityloop: Cityloop, history: History) -> None:
    code, said, _ = cityloop("explain", "/cameras/1", "a0")
    assert code == 0
    assert f"cityloop case show {history.a} --reports" in said and "新案 Opened" in said and "待接单 Dispatched" in said


def test_the_log_is_searched_around_a_time_and_then_as_a_whole(cityloop: Cityloop, history: History) -> None:
    now = datetime.now(UTC).isoformat()
    code, stories, said = cityloop("explain", "/cameras/1", "a0", "--around", now, "--json")
    assert (code, len(stories), said) == (0, 1, "")
    code, stories, said = cityloop("explain", "/cameras/1", "a0", "--around", "2020-01-01T00:00+08:00", "--json")
    assert (code, len(stories)) == (0, 1) and "reading the whole log" in said


def test_a_report_that_is_not_there_is_a_no(cityloop: Cityloop, history: History) -> None:
    assert cityloop("explain", "/cameras/1", "nosuch", "--json")[:2] == (1, [])


def test_a_time_without_offset_is_a_persons_mistake(cityloop: Cityloop, history: History) -> None:
    code, _, said = cityloop("explain", "/cameras/1", "a0", "--around", "2026-11-21T08:00")
    assert code == 2 and "offset" in said

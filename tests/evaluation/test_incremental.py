"""What is kept fact by fact is what comes out of the facts anew, as of any time, in any batches, however often they are read."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.evaluation_store import Counting, Sheets
from adapters.recount import Fold
from incidents.case import Fact
from incidents.evaluation import Sheet, moment_ms
from incidents.flags import BIT, flags_at, standing
from incidents.indicators import Dimension, Line, figures, line, tally
from incidents.periods import ALL, Days, Period, period
from tests.evaluation.histories import lives
from tests.evaluation.stories import LIMITS, evaluation, events, handling, renamed
from tests.incidents.closing import CITY

COUNTING = Counting.of(CITY)
DAY = period("2026-11-21")


def log_of(histories: list[list[Fact]]) -> list[bytes]:
    """The facts of several cases as one partition holds them: by time, each case in order."""
    told = [value for at, facts in enumerate(histories) for value in renamed(events(facts), f"QD-20261121-CASE{at:06d}")]
    return sorted(told, key=lambda value: moment_ms(orjson.loads(value)["data"]["at"]))


def recounted(log: list[bytes], at_ms: int) -> list[Line]:
    """Every case as of a moment, from the facts."""
    fold = Fold(COUNTING, at_ms)
    for value in log:
        fold.take(value)
    days = Days(CITY.time_zone)
    return [line(sheet, LIMITS, days) for sheet in fold.sheets.values()]


@settings(max_examples=60, deadline=None)
@given(st.lists(lives(), min_size=1, max_size=4), st.data())
def test_kept_and_recomputed_figures_are_equal_as_of_any_time(histories: list[list[Fact]], data: st.DataObject) -> None:
    log = log_of(histories)
    cut = data.draw(st.integers(1, len(log)))
    at_ms = moment_ms(orjson.loads(log[cut - 1])["data"]["at"])
    seen = [value for value in log if moment_ms(orjson.loads(value)["data"]["at"]) <= at_ms]
    with TemporaryDirectory() as folder:
        sheets = Sheets(Path(folder) / "sheets.sqlite", COUNTING)
        at = 0
        while at < len(seen):
            size = data.draw(st.integers(1, 20))
            sheets.take(seen[max(0, at - data.draw(st.integers(0, 3))) : at + size], {0: at + size})
            at += size
        for later_ms in (at_ms, at_ms + 20_000_000, at_ms + 6_000_000_000):
            for span in (ALL, DAY):
                assert sheets.tally(span, later_ms) == tally(recounted(log, at_ms), span, later_ms)
        assert sheets.told_ms() == at_ms
        sheets.close()


@settings(max_examples=100, deadline=None)
@given(lives(), st.integers(0, 400_000_000))
def test_laws_that_hold_for_the_flags_of_any_life(facts: list[Fact], after_ms: int) -> None:
    sheet = Sheet(facts[0].case_id)
    for event in events(facts):
        sheet.take(event, LIMITS)
        for flags in (standing(sheet, LIMITS).flags, flags_at(standing(sheet, LIMITS), moment_ms(event["data"]["at"]) + after_ms)):
            _lawful({key for key, bit in BIT.items() if flags & bit})


def _lawful(flags: set[str]) -> None:
    assert len({"report", "held", "merged"} & flags) == 1
    for smaller, larger in (
        ("filed", "report"),
        ("dispatched", "filed"),
        ("need_handle", "need_close"),
        ("handled", "need_handle"),
        ("intime_handle", "handled"),
        ("closed", "need_close"),
        ("intime_close", "closed"),
        ("suspended_stock", "suspended"),
        ("accurate_dispatch", "dispatched"),
    ):
        assert smaller not in flags or larger in flags, f"{smaller} without {larger}"
    assert ("need_handle" in flags) == bool({"intime_handle", "overtime_handle"} & flags)
    assert not {"intime_handle", "overtime_handle"} <= flags
    assert not {"filed", "void"} <= flags
    for post in ("accept", "verify", "dispatch", "arbitrate", "take", "check", "archive"):
        assert f"intime_{post}" not in flags or f"need_{post}" in flags


def test_a_fact_read_again_changes_nothing(tmp_path: Path) -> None:
    log = log_of([handling().facts])
    sheets = Sheets(tmp_path / "sheets.sqlite", COUNTING)
    assert sheets.take(log, {0: len(log)}).new == len(log)
    before = sheets.tally(ALL, 1 << 50)
    assert sheets.take(log, {0: len(log)}).new == 0
    assert sheets.tally(ALL, 1 << 50) == before


NO_FACTS = (
    None,
    b"",
    b"{}",
    b"[]",
    b"not json",
    b'{"type":"city.case.closed.v1","data":{"case_id":"x","sequence":1,"at":"2026-11-21T00:00:00Z"}}',
)


@pytest.mark.parametrize("value", NO_FACTS)
def test_what_is_no_fact_is_passed_over_and_counted_by_both(value: bytes | None, tmp_path: Path) -> None:
    log = log_of([handling().facts])
    sheets = Sheets(tmp_path / "sheets.sqlite", COUNTING)
    taken = sheets.take([*log[:2], value, *log[2:]], {0: len(log) + 1})
    fold = Fold(COUNTING, 1 << 50)
    for each in [*log[:2], value, *log[2:]]:
        fold.take(each)
    assert (taken.new, taken.unreadable) == (fold.facts, fold.unreadable) == (len(log), 1)
    assert [sheet for sheet, _ in sheets.sheets()] == list(fold.sheets.values())


def test_sheets_survive_a_restart_and_go_on_where_they_were(tmp_path: Path) -> None:
    log, path = log_of([handling().facts]), tmp_path / "sheets.sqlite"
    first = Sheets(path, COUNTING)
    first.positions("topic-1")
    first.take(log[:3], {0: 3})
    first.close()
    again = Sheets(path, COUNTING)
    assert again.positions("topic-1") == {0: 3}
    again.take(log[3:], {0: len(log)})
    assert again.tally(ALL, 1 << 50) == tally(recounted(log, 1 << 50), ALL, 1 << 50)


@pytest.mark.parametrize("changed", [{"topic": "topic-2"}, {"limits": {"filed": 1}}])
def test_another_topic_or_another_way_of_counting_begins_anew(changed: dict[str, Any], tmp_path: Path) -> None:
    log, path = log_of([handling().facts]), tmp_path / "sheets.sqlite"
    first = Sheets(path, COUNTING)
    first.positions("topic-1")
    first.take(log, {0: len(log)})
    first.close()
    again = Sheets(path, Counting(changed.get("limits", COUNTING.limits), COUNTING.time_zone))
    assert again.positions(changed.get("topic", "topic-1")) == {}
    assert list(again.sheets()) == []


def test_two_processes_on_one_file_fold_each_fact_once(tmp_path: Path) -> None:
    log, path = log_of([handling().facts]), tmp_path / "sheets.sqlite"
    one, other = Sheets(path, COUNTING), Sheets(path, COUNTING)
    new = one.take(log[:4], {0: 4}).new + other.take(log, {0: len(log)}).new + one.take(log[4:], {0: len(log)}).new
    assert new == len(log)


def test_every_figure_answers_with_its_rule_counts_and_rates() -> None:
    counts = tally(recounted(log_of([handling().facts]), 1 << 50), Period("all", 1, 1 << 20), 1 << 50, (Dimension.UNIT,))
    found = {each.indicator.key: each.as_dict() for each in figures(evaluation().indicators, counts, Dimension.UNIT)}
    assert found["on_time_handling_rate"] == {
        "indicator": "on_time_handling_rate",
        "rule": "intime_handle / need_handle",
        "by": "due",
        "post": None,
        "dimension": "unit",
        "value": "clean-1",
        "numerator": 0,
        "denominator": 1,
        "rate": 0.0,
        "adjusted_numerator": 0,
        "adjusted_denominator": 1,
        "adjusted_rate": 0.0,
    }

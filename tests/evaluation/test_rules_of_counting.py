"""indicators.toml: every mistake with its line; and the periods in which cases count."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config.load_indicators import read_evaluation
from config.settings import ROOT
from incidents.errors import UserError
from incidents.indicators import Anchor, Dimension
from incidents.periods import ALL, Days, period

QINGDAO = ROOT / "config" / "cities" / "qingdao" / "indicators.toml"

MISTAKES = (
    ('numerator = "filed"\n', 'numerator = "filled"\n', "unknown flag 'filled'; `cityloop indicators flags` lists them"),
    ('key = "filing_rate"', 'key = "reports"', "indicator reports stands twice"),
    ('by = "reported"', 'by = "yesterday"', "by = 'yesterday'"),
    ('post = "acceptor"', 'post = "aceptor"', "unknown post 'aceptor'; did you mean 'acceptor'?"),
    ('indicator = "closure_rate"', 'indicator = "closure_rat"', "unknown indicator 'closure_rat'; did you mean 'closure_rate'?"),
    ('indicator = "closure_rate"', 'indicator = "filing_rate"', "filing_rate is no share by `due`"),
    ("weight = 60", "weight = 0", "weight = 0"),
    ('denominator = "filed"\n', 'denominater = "filed"\n', "unknown key 'denominater'; did you mean 'denominator'?"),
    ("[[score]]", "[[scores]]", "unknown key 'scores'"),
)


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES, ids=[mistake[2][:30] for mistake in MISTAKES])
def test_a_mistake_is_told_with_its_line(right: str, wrong: str, message: str, tmp_path: Path) -> None:
    text = QINGDAO.read_text("utf-8")
    assert right in text
    (tmp_path / "indicators.toml").write_text(text.replace(right, wrong, 1), "utf-8")
    _, problems = read_evaluation(tmp_path)
    assert any(message in problem.message and problem.line for problem in problems), problems


def test_another_rule_is_another_version(tmp_path: Path) -> None:
    shutil.copy(QINGDAO, tmp_path)
    before, _ = read_evaluation(tmp_path)
    (tmp_path / "indicators.toml").write_text(QINGDAO.read_text("utf-8").replace("weight = 60", "weight = 50"), "utf-8")
    after, _ = read_evaluation(tmp_path)
    assert before
    assert after
    assert before.rules != after.rules


def test_every_city_counts_what_the_domain_names_over_every_dimension() -> None:
    for city in ("qingdao", "boston"):
        evaluation, problems = read_evaluation(ROOT / "config" / "cities" / city)
        assert evaluation
        assert not problems
        assert {row.by for row in evaluation.indicators} == set(Anchor)
        assert {row.post for row in evaluation.indicators} >= {
            "acceptor",
            "dispatcher",
            "unit",
            "checker",
            "shift_lead",
            "collector",
            "arbiter",
        }
        assert all(set(row.dimensions) == set(Dimension) for row in evaluation.indicators)


PERIODS = (
    ("2026-11-21", date(2026, 11, 21), date(2026, 11, 21), "2026-11-20"),
    ("2026-W47", date(2026, 11, 16), date(2026, 11, 22), "2026-W46"),
    ("2026-W1", date(2025, 12, 29), date(2026, 1, 4), "2025-W52"),
    ("2026-01", date(2026, 1, 1), date(2026, 1, 31), "2025-12"),
    ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "2024-01"),
)


@pytest.mark.parametrize(("text", "first", "last", "before"), PERIODS)
def test_a_period_has_its_days_and_the_one_before(text: str, first: date, last: date, before: str) -> None:
    found = period(text)
    assert (date.fromordinal(found.first), date.fromordinal(found.last)) == (first, last)
    assert found.before().text == before


@pytest.mark.parametrize("text", ["2026-13", "2026-W60", "last month", "2026-02-30", ""])
def test_what_is_no_period_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="is no period; write a day 2026-11-21"):
        period(text)


def test_all_time_has_nothing_before() -> None:
    with pytest.raises(ValueError, match="nothing is before"):
        ALL.before()


MOMENTS = (
    ("Asia/Shanghai", datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC), date(2026, 11, 20)),
    ("Asia/Shanghai", datetime(2026, 11, 20, 16, tzinfo=UTC), date(2026, 11, 21)),
    ("America/New_York", datetime(2015, 3, 8, 4, 59, tzinfo=UTC), date(2015, 3, 7)),  # the night of the change to summer time
    ("America/New_York", datetime(2015, 3, 9, 3, 59, tzinfo=UTC), date(2015, 3, 8)),
    ("America/New_York", datetime(2015, 3, 9, 4, tzinfo=UTC), date(2015, 3, 9)),
)


@pytest.mark.parametrize(("zone", "at", "day"), MOMENTS)
def test_a_day_is_the_citys_own(zone: str, at: datetime, day: date) -> None:
    days = Days(zone)
    assert date.fromordinal(days.of(round(at.timestamp() * 1000))) == day
    assert days.begins(day.toordinal()) <= at

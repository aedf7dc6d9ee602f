"""Mistakes in figures that systems in use make (DOMAIN.md), each one a test."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from incidents.flags import flags_at
from incidents.indicators import Anchor, Dimension, Line, figures, score, tally
from incidents.periods import ALL
from tests.evaluation.stories import LATER, begun, close, counted, evaluation, filed, handling, rework
from tests.incidents.closing import OTHER, Desk

LATE = timedelta(hours=5)
AT_MS = round(LATER.timestamp() * 1000)
EVALUATION = evaluation()
OPEN_AND_OVERDUE = counted(handling())
CLOSED_LATE = counted(close(handling(), LATE))
CLOSED = counted(close(handling()))
REWORKED = counted(close(rework(handling())))


def _rates(lines: list[Line]) -> dict[str, float | None]:
    found = figures(EVALUATION.indicators, tally(lines, ALL, AT_MS, (Dimension.CITY,)), Dimension.CITY)
    return {each.indicator.key: each.raw.rate for each in found}


def _score(lines: list[Line]) -> float:
    points, _ = score(EVALUATION, Counter(flags_at(case.standing, AT_MS) for case in lines))
    assert points is not None
    return points


def test_accurate_dispatch_is_not_always_a_hundred_percent() -> None:
    desk = filed()
    desk.must("dispatch", "dispatcher", unit="clean-1")
    desk.must("return", "unit", reason="not ours")
    desk.must("dispatch", "dispatcher", unit="clean-2")
    assert _rates([counted(desk), CLOSED, CLOSED, CLOSED])["accurate_dispatch_rate"] == 0.75


def test_a_score_never_rewards_not_closing() -> None:
    assert _score([OPEN_AND_OVERDUE]) < _score([CLOSED_LATE]) < _score([CLOSED])
    assert _score([CLOSED, OPEN_AND_OVERDUE]) < _score([CLOSED, CLOSED_LATE])


@given(st.lists(st.sampled_from([CLOSED, CLOSED_LATE, REWORKED, OPEN_AND_OVERDUE]), max_size=20))
def test_closing_one_more_overdue_case_never_lowers_a_score(others: list[Line]) -> None:
    assert _score([*others, CLOSED_LATE]) > _score([*others, OPEN_AND_OVERDUE])


@given(st.lists(st.sampled_from([CLOSED, CLOSED_LATE, REWORKED, OPEN_AND_OVERDUE]), min_size=1, max_size=20))
def test_no_rate_is_above_one_and_no_score_above_its_weights(lines: list[Line]) -> None:
    assert all(rate is None or 0 <= rate <= 1 for rate in _rates(lines).values())
    assert 0 <= _score(lines) <= 100


def test_a_unit_that_returns_an_overdue_case_keeps_it_in_its_figures() -> None:
    desk = handling()
    desk.now += LATE
    desk.must("return", "unit", reason="too late for us")
    desk.must("dispatch", "dispatcher", unit="clean-2")
    desk.must("accept", "unit")
    units = tally([counted(close(desk))], ALL, AT_MS)[Anchor.DUE, Dimension.UNIT]
    assert set(units) == {"clean-1"}


def test_a_unit_that_had_nothing_to_do_has_no_score_rather_than_a_full_one() -> None:
    assert score(EVALUATION, Counter({flags_at(counted(filed()).standing, 0): 1})) == (None, None)


def test_what_was_merged_refused_or_never_confirmed_stands_in_no_denominator_of_handling() -> None:
    out: list[Desk] = [begun(), begun(), handling()]
    out[0].must("not_accept", "acceptor", reason="no")
    out[1].must("void", "shift_lead", reason="no")
    out[2].must("merge", "acceptor", into=OTHER, target={"state": "filed"})
    alone, with_them = _rates([CLOSED, CLOSED_LATE]), _rates([CLOSED, CLOSED_LATE, *map(counted, out)])
    changed = {key for key in alone if alone[key] != with_them[key]}
    assert changed <= {"filing_rate", "valid_report_rate", "duplicate_rate", "on_time_accepting_rate"}


def test_an_upheld_appeal_leaves_the_raw_figure_as_it_was() -> None:
    desk = close(handling(), LATE)
    desk.must("appeal", "unit")
    desk.must("decide_appeal", "dispatcher", upheld=True)
    desk.must("decide_appeal", "acceptor", upheld=True)
    cases = Counter({flags_at(counted(desk).standing, AT_MS): 1})
    assert score(EVALUATION, cases) == (_score([CLOSED_LATE]), _score([CLOSED]))

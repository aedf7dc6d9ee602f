"""A stage that is asked in small pieces rests; one that is behind never does. Repeats wait for each other as long as it pays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pace import AT_MOST_S, FEW, GATHER_MS, LATE_S, OFTEN, SETTLE_EVERY_S, SETTLE_LATEST_S, Flow, rest_s, wait_s

TOOK = st.floats(0, 100)


@given(st.integers(FEW, 10**6), TOOK)
def test_after_many_there_is_no_rest(pieces: int, took_s: float) -> None:
    assert rest_s(pieces, took_s) == 0


@given(st.integers(1, FEW - 1), TOOK)
def test_nobody_waits_longer_than_the_longest_rest(pieces: int, took_s: float) -> None:
    assert 0 <= rest_s(pieces, took_s) <= AT_MOST_S


@given(st.integers(1, FEW - 1), st.floats(0.0001, 0.05))
def test_small_pieces_take_a_fifth_of_the_time(pieces: int, took_s: float) -> None:
    assert took_s / (took_s + rest_s(pieces, took_s)) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("together", "behind_s", "wait"),
    [
        pytest.param(1.04, 0.3, 1.04, id="a city, whose cameras repeat every half a minute"),
        pytest.param(2.5, 0.3, 2.5, id="cameras that repeat every second or two"),
        pytest.param(60, 0.3, SETTLE_LATEST_S, id="a backlog"),
        pytest.param(1.04, 3, 3, id="more of a city than the machine takes"),
        pytest.param(1.04, 60, SETTLE_LATEST_S, id="far behind"),
    ],
)
def test_repeats_wait_as_long_as_it_pays(together: float, behind_s: float, wait: float) -> None:
    assert wait_s(together, behind_s) == wait


@pytest.mark.parametrize(
    ("records", "every_s", "age_s", "gather"),
    [
        pytest.param(1, 0.02, 0.09, 0, id="one at a time, though often"),
        pytest.param(4, 0.02, 0.09, GATHER_MS, id="a city's"),
        pytest.param(12, 0.06, 0.09, GATHER_MS, id="the same, gathered"),
        pytest.param(6, 0.02, 0.01, 0, id="a hundred new cases a second on a machine that has time"),
        pytest.param(18, 0.06, 0.04, 0, id="the same, had it been gathered"),
        pytest.param(2000, 5, 60, GATHER_MS, id="a backlog"),
        pytest.param(2000, 60, 60, 0, id="much, but seldom"),
    ],
)
def test_records_are_gathered_where_they_come_often_and_late(records: int, every_s: float, age_s: float, gather: int) -> None:
    flow = Flow()
    for number in range(200):
        flow.opened(age_s)
        flow.took(records, 1000 + number * every_s)
    assert flow.gather_ms() == gather
    assert (records / every_s >= OFTEN and age_s >= LATE_S) == bool(gather)


def test_where_no_case_is_opened_nothing_is_gathered() -> None:
    flow = Flow()
    for number in range(200):
        flow.took(50, 1000 + number / 10)
    assert flow.gather_ms() == 0


@given(st.floats(1, 5000), st.floats(0, 10**6))
def test_repeats_never_wait_beyond_what_a_commit_has_time_for(together: float, behind_s: float) -> None:
    assert SETTLE_EVERY_S <= wait_s(together, behind_s) <= SETTLE_LATEST_S

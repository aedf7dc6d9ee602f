"""A stage that is asked in small pieces rests; one that is behind never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pace import AT_MOST_S, FEW, rest_s

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

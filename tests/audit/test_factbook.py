"""The story of a case as its facts tell it: 1, 2, 3 … without gap or fork, however often they are said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.factbook import FactBook

SAID = {"T": {"count": 2, "topic_id": "T", "partition": 0, "offset": 1}}


def said(sequence: int, state: str = "filed", word: str = "") -> tuple[dict[str, Any], bytes]:
    """One fact of case A, parsed and as bytes."""
    kind = "opened" if sequence == 1 else "filed"
    case = {"state": state, "totals": SAID}
    return {"type": f"city.case.{kind}.v1", "data": {"case_id": "A", "sequence": sequence, "case": case}}, f"{sequence}{word}".encode()


def book(*facts: tuple[dict[str, Any], bytes]) -> FactBook:
    """All of them, in this order."""
    made = FactBook()
    for event, value in facts:
        made.add(event, value)
    return made


@given(st.integers(1, 30), st.data())
def test_a_replay_says_the_same_again_and_changes_nothing(last: int, data: st.DataObject) -> None:
    facts = [said(sequence) for sequence in range(1, last + 1)]
    again = data.draw(st.integers(0, last - 1))
    made = book(*facts, *facts[again:])
    assert (made.stories["A"].sequence, list(made.gaps()), made.forks, made.disorder) == (last, [], [], [])


@given(st.integers(2, 30), st.data())
def test_any_fact_but_the_last_that_is_missing_is_a_gap(last: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, last - 1))
    made = book(*(said(sequence) for sequence in range(1, last + 1) if sequence != gone))
    assert list(made.gaps()) == [f"A sequence {gone}"]


def test_another_word_under_the_same_sequence_is_a_fork() -> None:
    assert book(said(1), said(2), said(2, word="!")).forks == ["A sequence 2"]


def test_a_fact_before_its_turn_is_out_of_order() -> None:
    made = book(said(1), said(3), said(2))
    assert made.disorder == ["A sequence 3 after 1", "A sequence 2 after 3"] and not list(made.gaps())


@pytest.mark.parametrize(("then", "released"), [("held", False), ("not_filed", False), ("reported", True)])
def test_a_held_case_is_released_when_it_reaches_a_queue(then: str, released: bool) -> None:
    assert book(said(1, "held"), said(2, then)).stories["A"].released is released

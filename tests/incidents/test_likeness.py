"""Suggestions for people are ranked by nearness, kind and words, as staff-linked pairs of a real city are."""

from hypothesis import given
from hypothesis import strategies as st

from incidents.likeness import alike, likeness
from tests.incidents.closing import CITY

SAME, OTHER = ("spillage", "spillage"), ("spillage", "building")


def test_the_same_thing_at_the_same_place_in_the_same_words_is_as_like_as_can_be() -> None:
    assert likeness(CITY, 0, SAME, 1.0) == likeness(CITY, 0, SAME, None) == 1.0


def test_nearer_is_liker_and_so_are_one_kind_and_like_words() -> None:
    assert likeness(CITY, 10, SAME, None) > likeness(CITY, 100, SAME, None)
    assert likeness(CITY, 10, SAME, None) > likeness(CITY, 10, OTHER, None)
    assert likeness(CITY, 10, OTHER, 0.9) > likeness(CITY, 10, OTHER, 0.1)


@given(st.floats(0, 10_000), st.sampled_from([SAME, OTHER, ("spillage", "nothing")]), st.none() | st.floats(0, 1))
def test_it_is_a_share(distance_m: float, kinds: tuple[str, str], words: float | None) -> None:
    assert 0 <= likeness(CITY, distance_m, kinds, words) <= 1


@given(st.text(), st.text())
def test_words_are_as_like_one_way_as_the_other(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)

"""What sightings do to a case: open it, hold it, lift it, add to it, speak up after the handling; never twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.case import Case
from incidents.commands import Command, Evidence, Place, Statement
from incidents.vocabulary import Channel, State
from tests.incidents.closing import OTHER, PHOTO, START, Desk, desk_in, opening, sight, total

HELD: dict[str, Any] = {"state": State.HELD, "held_because": "waiting", "confirm": 3}
WORDS = Statement(source="/hotline", id="h1", time=START, channel=Channel.HOTLINE, description="it smells")


def facts(desk: Desk, command: Command) -> list[str]:
    """The facts that this command leads to."""
    return [fact.type for fact in desk.take(command).facts]


def test_the_first_sight_opens_the_case_with_all_that_was_told() -> None:
    desk = Desk()
    [fact] = desk.take(sight({"/cameras/1": total(), "/cameras/2": total(2, 4, 30)}, seen_evidence=PHOTO, statements=(WORDS,))).facts
    case = desk.open
    assert (fact.type, fact.sequence, case.state, case.count, case.level) == ("opened", 1, State.REPORTED, 3, "district")
    assert (case.evidence, case.statements, case.first_seen) == (PHOTO, (WORDS,), START)
    assert (fact.changes["state"], fact.changes["count"], fact.case) == ("reported", 3, case)


def test_a_case_lies_where_it_was_opened_wherever_it_is_seen_later() -> None:
    desk = Desk()
    desk.take(sight())
    before = desk.open.place
    elsewhere = Place(lon=120.4, lat=36.1, accuracy_m=5, district="2", subdistrict="2001")
    assert facts(desk, sight({"/cameras/2": total()}, id="again", opening=opening(place=elsewhere))) == ["sighted"]
    assert desk.open.place == before


def test_a_recurrence_is_said_after_the_opening() -> None:
    desk = Desk()
    assert facts(desk, sight(opening=opening(recurs=OTHER))) == ["opened", "recurred"]


@pytest.mark.parametrize(
    ("because", "told", "lifted"),
    [
        ("waiting", {"totals": {"/cameras/1": total(2, 1)}}, False),
        ("waiting", {"totals": {"/cameras/1": total(3, 2)}}, True),
        ("waiting", {"totals": {"/cameras/2": total(1, 0)}}, True),
        ("waiting", {"statements": (WORDS,)}, True),
        ("refused_before", {"totals": {"/cameras/1": total(9, 8)}}, False),
        ("refused_before", {"totals": {"/cameras/2": total(1, 0)}}, True),
        ("storm", {"totals": {"/cameras/1": total(9, 8)}}, False),
        ("storm", {"statements": (WORDS,)}, True),
        ("shadow", {"totals": {"/cameras/2": total(9, 8)}, "statements": (WORDS,)}, False),
    ],
)
def test_a_held_case_is_lifted_by_enough_sightings_a_second_source_or_a_person(because: str, told: dict[str, Any], lifted: bool) -> None:
    desk = Desk()
    desk.take(sight(opening=opening(**HELD | {"held_because": because})))
    assert desk.open.state is State.HELD
    assert facts(desk, sight(id="again", **told)) == (["sighted", "updated"] if lifted else ["sighted"])
    assert desk.open.held_because == (None if lifted else because)


def test_a_held_case_expires_and_is_counted_as_expired() -> None:
    desk = Desk()
    desk.take(sight(opening=opening(**HELD)))
    [expire] = desk.open.deadlines
    desk.must("expire", "system", deadline=expire.id)
    assert (desk.open.state, desk.open.held_because) == (State.NOT_FILED, "expired")


@pytest.mark.parametrize(
    "told",
    [
        {"totals": {"/cameras/1": total()}},
        {"totals": {"/cameras/1": total(9, -1, 90)}},
        {"totals": {"/cameras/1": total(9, 0, -5, topic_id="t0")}},
        {"totals": {}, "seen_evidence": PHOTO},
    ],
)
def test_what_is_not_newer_changes_nothing(told: dict[str, Any]) -> None:
    desk = Desk()
    desk.take(sight(seen_evidence=PHOTO))
    assert facts(desk, sight(id="again", **told)) == []


def test_a_topic_made_anew_is_ordered_by_the_last_time_seen() -> None:
    desk = Desk()
    desk.take(sight({"/cameras/1": total(5, 900)}))
    assert facts(desk, sight({"/cameras/1": total(6, 0, 10, topic_id="t2")})) == ["sighted"]
    assert desk.open.totals["/cameras/1"].offset == 0


def test_a_more_urgent_sighting_raises_the_severity_and_a_lesser_one_does_not_lower_it() -> None:
    desk = Desk()
    desk.take(sight())
    assert facts(desk, sight({}, severity="emergency")) == ["sighted"]
    assert facts(desk, sight({}, severity="minor")) == []
    assert desk.open.severity == "emergency"


def test_what_is_seen_after_the_handling_forbids_closing_by_rule() -> None:
    desk = desk_in(State.CHECKING, "spillage")
    desk.take(sight({"/cameras/1": total(2, 1, 3600)}))
    assert desk.open.seen_after_handling
    assert [fact.type for fact in desk.must("pass_check", "checker", evidence=PHOTO).facts] == ["check_passed"]
    assert "seen again" in desk.refused("close", "system")
    desk.must("close", "shift_lead")


def test_what_was_seen_before_the_handling_and_comes_late_does_not() -> None:
    desk = desk_in(State.CHECKING, "spillage")
    assert facts(desk, sight({"/cameras/1": total(2, 1, 1)})) == ["sighted"]
    assert not desk.open.seen_after_handling


@pytest.mark.parametrize("state", [State.CLOSED, State.MERGED, State.NOT_FILED, State.VOID])
def test_ended_cases_still_count_what_joins_them_late(state: State) -> None:
    desk = desk_in(state)
    assert facts(desk, sight({"/cameras/1": total(2, 1, 1)})) == ["sighted"]
    assert (desk.open.count, desk.open.state) == (2, state)


def test_evidence_and_words_are_kept_once() -> None:
    desk = Desk()
    desk.take(sight(seen_evidence=PHOTO, statements=(WORDS,)))
    new = Evidence(url="s3://b")
    assert facts(desk, sight({}, seen_evidence=(*PHOTO, new), statements=(WORDS,))) == ["sighted"]
    assert (desk.open.evidence, desk.open.statements) == ((*PHOTO, new), (WORDS,))


TOLD = st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.integers(0, 9)), min_size=1, max_size=12)


@given(TOLD, st.randoms())
def test_sights_in_any_order_and_number_end_in_the_same_totals(told: list[tuple[str, int]], random: Any) -> None:
    def end(order: list[tuple[str, int]]) -> Case:
        desk = Desk()
        for source, offset in order:
            desk.take(sight({source: total(offset + 1, offset, offset)}))
        return desk.open

    shuffled = told * 2
    random.shuffle(shuffled)
    one, other = end(told), end(shuffled)
    assert (one.totals, one.last_seen, one.count) == (other.totals, other.last_seen, other.count)

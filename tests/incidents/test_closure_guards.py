"""Who may, and what it takes (DOMAIN.md, actions and guards); conflicts and repeated commands."""

import re
from datetime import timedelta
from typing import Any

import pytest

from incidents.commands import Actor
from incidents.facts import encode_fact
from incidents.vocabulary import Role, State
from tests.incidents.closing import OTHER, PHOTO, Desk, desk_in, outcome, sight, total

STRANGER = Actor(id="unit-9", role=Role.UNIT, unit="clean-2")
HANDLER = {"id": "unit-1", "unit": "clean-1"}

# state, kind, command, who, arguments, part of the reason
REFUSALS: tuple[tuple[State, str, str, str | Actor, dict[str, Any], str], ...] = (
    (State.DISPATCHED, "spillage", "accept", STRANGER, {}, "only unit clean-1 may; you act for clean-2"),
    (State.DISPATCHED, "spillage", "accept", Actor(id="x", role=Role.UNIT), {}, "you act for no unit"),
    (State.HANDLING, "spillage", "report_handled", STRANGER, {"evidence": PHOTO}, "only unit clean-1"),
    (State.HANDLING, "spillage", "request_extension", STRANGER, {}, "only unit clean-1"),
    (State.HANDLING, "spillage", "report_handled", "unit", {}, "attach evidence"),
    (State.HANDLING, "spillage", "report_handled", "unit", {"evidence": [{"media_type": "image/jpeg"}]}, "`sha256` or `url`"),
    (State.HANDLING, "littering", "report_handled", "unit", {}, "warned, or handed to whom"),
    (State.DISPATCHED, "spillage", "return", "unit", {"reason": "  "}, "say why"),
    (State.REPORTED, "spillage", "not_file", "shift_lead", {}, "say why"),
    (State.REPORTED, "spillage", "not_accept", "acceptor", {}, "say why"),
    (State.REPORTED, "spillage", "void", "shift_lead", {}, "say why"),
    (State.REPORTED, "spillage", "file", "shift_lead", {"condition": "huge"}, "it has small, large"),
    (State.REPORTED, "spillage", "recategorise", "acceptor", {"category": "muk"}, "unknown category 'muk'"),
    (State.REPORTED, "spillage", "recategorise", "acceptor", {}, "name the category"),
    (State.VERIFYING, "spillage", "found", "collector", {}, "attach evidence, or say in `note`"),
    (State.FILED, "spillage", "dispatch", "dispatcher", {}, "name the unit"),
    (State.FILED, "spillage", "dispatch", "dispatcher", {"unit": "nobody"}, "unknown unit 'nobody'"),
    (State.FILED, "spillage", "dispatch", "dispatcher", {"unit": "clean-1", "assisting": ["x"]}, "unknown unit 'x'"),
    (State.FILED, "spillage", "arbitrate", "arbiter", {"unit": "clean-1"}, "after 2 returns, it has 0"),
    (State.CHECKING, "spillage", "pass_check", Actor(id="unit-1", role=Role.CHECKER), {"evidence": PHOTO}, "unit-1 handled it"),
    (State.CHECKING, "spillage", "pass_check", Actor(id="c", role=Role.CHECKER, unit="clean-1"), {"evidence": PHOTO}, "another party"),
    (State.CHECKING, "spillage", "pass_check", "checker", {}, "attach evidence"),
    (State.CHECKING, "spillage", "fail_check", "checker", {}, "say why"),
    (State.CHECKED, "building", "close", Actor(id="unit-1", role=Role.SHIFT_LEAD), {}, "unit-1 handled it"),
    (State.CHECKED, "building", "close", "system", {}, "closed by a shift lead"),
    (State.CLOSED, "spillage", "reopen", "shift_lead", {}, "say why"),
    (State.CLOSED, "spillage", "rate", "acceptor", {"rating": 6}, "1 to 5"),
    (State.CLOSED, "spillage", "decide_appeal", "acceptor", {"upheld": True}, "has not appealed"),
    (State.HANDLING, "spillage", "grant_extension", "dispatcher", {}, "has not asked"),
    (State.HANDLING, "spillage", "grant_suspension", "dispatcher", {}, "has not asked"),
    (State.HANDLING, "spillage", "acknowledge", "leader", {}, "not escalated"),
    (State.HANDLING, "spillage", "transfer", "dispatcher", {"level": "moon"}, "the city has city, district, subdistrict"),
    (State.HANDLING, "spillage", "transfer", "dispatcher", {"level": "district"}, "at level district already"),
    (State.HANDLING, "spillage", "note", "leader", {}, "say something"),
    (State.HANDLING, "spillage", "withdraw", "resident", {}, "no person reported it"),
    (State.HANDLING, "spillage", "merge", "acceptor", {}, "name the case to merge into"),
    (State.HANDLING, "spillage", "merge", "acceptor", {"into": "QD-20261121-AAAAAAAAAA"}, "into itself"),
    (State.HANDLING, "spillage", "merge", "acceptor", {"into": OTHER, "target": {"state": None}}, "unknown case"),
    (State.HANDLING, "spillage", "merge", "acceptor", {"into": OTHER, "target": {"state": "merged"}}, "is merged"),
    (State.HANDLING, "spillage", "merge", "acceptor", {"into": OTHER, "target": {"state": "closed"}}, "is closed"),
    (State.HANDLING, "spillage", "refuse_duplicate", "acceptor", {"other": OTHER}, "not among its suggested"),
    (State.HANDLING, "spillage", "overdue", "system", {"deadline": "overdue:1"}, "not running any more"),
)


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row[2]}: {row[5]}")
def test_what_is_missing_is_said(row: tuple[State, str, str, str | Actor, dict[str, Any], str]) -> None:
    state, kind, command, who, arguments, reason = row
    assert reason in desk_in(state, kind).refused(command, who, **arguments)


def test_an_instant_thing_is_handled_and_checked_by_saying_what_was_done() -> None:
    desk = desk_in(State.HANDLING, "littering")
    desk.must("report_handled", "unit", note="warned")
    desk.must("pass_check", "checker", reason="handed to the police")
    assert desk.open.state is State.CLOSED


def test_a_case_is_never_dispatched_to_a_unit_that_returned_it_and_after_two_returns_the_arbiter_decides() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.must("return", "unit", reason="not ours")
    assert "returned it" in desk.refused("dispatch", "dispatcher", unit="clean-1")
    desk.must("dispatch", "dispatcher", unit="clean-2")
    desk.must("return", "unit", reason="nor ours")
    assert "the arbiter must decide" in desk.refused("dispatch", "dispatcher", unit="clean-city")
    desk.must("arbitrate", "arbiter", unit="clean-1")
    assert (desk.open.unit, desk.open.state) == ("clean-1", State.DISPATCHED)


def test_what_the_arbiter_decided_holds_for_every_later_dispatch() -> None:
    desk = desk_in(State.DISPATCHED)
    for unit in ("clean-2", None):
        desk.must("return", "unit", reason="not ours")
        if unit:
            desk.must("dispatch", "dispatcher", unit=unit)
    desk.must("arbitrate", "arbiter", unit="clean-1")
    desk.must("transfer", "dispatcher", level="city")
    assert "the arbiter decided on unit clean-1" in desk.refused("dispatch", "dispatcher", unit="police")
    desk.must("dispatch", "dispatcher", unit="clean-1")


def test_a_deadline_is_extended_twice_by_one_original_limit_and_never_once_overdue() -> None:
    desk = desk_in(State.HANDLING)
    before = desk.open.due_at
    assert before is not None
    for _ in range(2):
        desk.must("request_extension", "unit")
        desk.must("grant_extension", "dispatcher")
    assert desk.open.due_at == before + timedelta(hours=8)
    assert "extended 2 times" in desk.refused("request_extension", "unit")


def test_an_overdue_case_is_not_extended_even_before_the_clock_said_so() -> None:
    desk = desk_in(State.HANDLING)
    desk.must("request_extension", "unit")
    desk.wait(hours=4)
    assert "overdue since" in desk.refused("grant_extension", "dispatcher")
    assert "overdue since" in desk.refused("request_extension", "unit")


def test_a_case_is_suspended_once_and_at_most_for_a_year() -> None:
    desk = desk_in(State.HANDLING)
    assert "within 365 days" in desk.refused("request_suspension", "unit", until=desk.now + timedelta(days=400))
    desk.must("request_suspension", "unit", until=desk.now + timedelta(days=10))
    desk.must("grant_suspension", "dispatcher")
    desk.must("resume", "dispatcher")
    assert "suspended once" in desk.refused("request_suspension", "unit")


def test_a_closed_case_is_reopened_within_the_window_with_a_new_clock_and_its_old_evidence() -> None:
    desk = desk_in(State.CLOSED)
    desk.wait(days=6)
    desk.must("reopen", "shift_lead", reason="still there")
    assert (desk.open.state, desk.open.reopened, desk.open.unit) == (State.FILED, 1, None)
    assert (desk.open.due_at, desk.open.handled_evidence) == (desk.now + timedelta(hours=4), PHOTO)
    late = desk_in(State.CLOSED)
    late.wait(days=8)
    assert "report it anew" in late.refused("reopen", "shift_lead", reason="still there")


def test_an_appeal_is_upheld_when_dispatcher_and_acceptor_agree() -> None:
    desk = desk_in(State.CLOSED)
    desk.must("appeal", "unit")
    assert [fact.type for fact in desk.must("decide_appeal", "dispatcher", upheld=True).facts] == ["noted"]
    assert "the dispatcher agreed already" in desk.refused("decide_appeal", "dispatcher", upheld=True)
    assert [fact.type for fact in desk.must("decide_appeal", "acceptor", upheld=True).facts] == ["appeal_decided"]
    assert desk.open.appeal_upheld is True
    assert "appealed once" in desk.refused("appeal", "unit")


def test_one_voice_against_it_refuses_an_appeal() -> None:
    desk = desk_in(State.CLOSED)
    desk.must("appeal", "unit")
    desk.must("decide_appeal", "acceptor", upheld=False)
    assert desk.open.appeal_upheld is False
    assert "refused already" in desk.refused("decide_appeal", "dispatcher", upheld=True)


def test_a_failed_check_goes_back_to_the_same_unit_and_keeps_all_evidence() -> None:
    desk = desk_in(State.CHECKING)
    desk.must("fail_check", "checker", reason="half of it is still there")
    desk.must("report_handled", "unit", evidence=[{"sha256": "b" * 64}])
    assert (desk.open.unit, desk.open.reworks, len(desk.open.handled_evidence)) == ("clean-1", 1, 2)


def test_filing_takes_the_limit_of_the_condition_and_keeps_the_more_urgent_severity() -> None:
    desk = desk_in(State.REPORTED)
    desk.must("file", "shift_lead", condition="large")
    assert (desk.open.severity, desk.open.limit_ms, desk.open.due_at) == ("emergency", 3_600_000, desk.now + timedelta(hours=1))


def test_a_merge_tells_the_other_case_and_so_does_taking_it_back() -> None:
    desk = desk_in(State.DISPATCHED)
    [told] = desk.must("merge", "acceptor", into=OTHER, target={"state": "filed"}).commands
    assert (told.case_id, told.type, told.other) == (OTHER, "confirm_duplicate", desk.open.case_id)
    assert desk.facts[-1].case.unit == "clean-1"  # the losing unit is told
    [told] = desk.must("unmerge", "acceptor").commands
    assert (told.case_id, told.type, desk.open.refused_duplicates) == (OTHER, "refuse_duplicate", (OTHER,))


def test_the_case_that_took_another_in_knows_it_until_that_is_taken_back() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.must("confirm_duplicate", "system", other=OTHER)
    assert desk.open.merged_from == (OTHER,)
    desk.must("refuse_duplicate", "system", other=OTHER)
    assert desk.open.merged_from != (OTHER,)
    assert desk.open.refused_duplicates == (OTHER,)


def test_a_conflict_names_who_changed_what() -> None:
    desk = desk_in(State.DISPATCHED)
    revision, sequence = desk.open.revision, desk.open.sequence
    desk.must("accept", "unit")
    reason = desk.refused("note", "leader", note="hurry", expected_revision=revision)
    assert f"expected revision {revision}, the case is at {revision + 1}, last unit-1 (unit): accepted at" in reason
    assert re.search(r"案件已由他人变更：unit-1（处置部门）\d{4}-\d\d-\d\d \d\d:\d\d，处置中（", reason)
    assert f"expected sequence {sequence}" in desk.refused("note", "leader", note="hurry", expected_sequence=sequence)


def test_a_sighting_does_not_disturb_who_expects_a_revision() -> None:
    desk = desk_in(State.DISPATCHED)
    revision = desk.open.revision
    desk.take(sight({"/cameras/1": total(2, 1, 60)}))
    desk.must("note", "leader", note="hurry", expected_revision=revision)


def test_a_repeated_command_returns_its_first_outcome() -> None:
    desk = desk_in(State.DISPATCHED)
    first = outcome(desk.must("accept", "unit", id="once"))
    desk.must("report_handled", "unit", evidence=PHOTO)
    again = desk.give("accept", "unit", id="once")
    assert (again.outcome, again.facts, first.state) == (first, (), State.HANDLING)


def test_a_record_that_was_applied_before_is_passed_over_silently() -> None:
    desk = desk_in(State.HANDLING)
    desk.offset -= 1
    decision = desk.give("report_handled", "unit", evidence=PHOTO)
    assert (decision.outcome, decision.facts, desk.open.state) == (None, (), State.HANDLING)


def test_closing_by_rule_follows_the_check_in_the_same_decision() -> None:
    desk = desk_in(State.CHECKING, "spillage")
    said = desk.must("pass_check", "checker", evidence=PHOTO).facts
    assert [(fact.type, fact.actor.role) for fact in said] == [("check_passed", "checker"), ("closed", "system")]
    assert said[1].sequence == said[0].sequence + 1


def test_a_decision_cut_off_between_two_facts_goes_on_with_the_same_second_fact() -> None:
    desk = desk_in(State.CHECKING, "spillage")
    said = desk.must("pass_check", "checker", evidence=PHOTO).facts
    desk.case = said[0].case
    desk.offset, desk.now = desk.offset - 2, desk.now - timedelta(seconds=2)
    assert desk.give("accept", "unit").outcome is None  # came before it: was decided then
    [rest] = desk.give("pass_check", "checker", id=said[0].command_id, evidence=PHOTO).facts
    assert encode_fact(rest) == encode_fact(said[1])


def test_after_the_end_a_case_is_forgotten_and_only_sightings_still_reach_it() -> None:
    desk = desk_in(State.CLOSED)
    [forget] = desk.open.deadlines
    assert forget.at == desk.now + timedelta(days=7)
    decision = desk.must("forget", "system", deadline=forget.id)
    assert (decision.forgotten, decision.facts, desk.open.deadlines) == (True, (), ())
    assert "report it anew" in desk.refused("reopen", "shift_lead", reason="late")
    assert [fact.type for fact in desk.take(sight({"/cameras/1": total(2, 1, 60)})).facts] == ["sighted"]


def test_without_its_row_in_the_catalogue_a_case_is_left_to_people() -> None:
    desk = desk_in(State.CHECKING, "spillage")
    desk.city = desk.city.model_copy(update={"categories": desk.city.categories[1:]})
    desk.city.__dict__.pop("catalogue", None)
    desk.must("pass_check", "checker", evidence=PHOTO)
    assert desk.open.state is State.CHECKED
    desk.must("close", "shift_lead")


def test_nobody_but_intake_says_what_was_seen() -> None:
    desk = Desk()
    assert "only intake" in str(desk.take(sight(actor={"id": "x", "role": "resident"})).outcome)

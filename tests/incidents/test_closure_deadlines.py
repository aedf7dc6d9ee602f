"""Deadlines of a case: what is armed when, what firing does, and that pauses and extensions move them."""

from datetime import timedelta

from incidents.case import Deadline
from incidents.catalogue import Escalation
from incidents.clocks import rungs
from incidents.commands import Actor
from incidents.steps.escalation import decide
from incidents.vocabulary import Role, State
from tests.incidents.closing import CITY, PHOTO, START, Desk, city, desk_in, sight, total

HOUR = timedelta(hours=1)


def kinds(desk: Desk) -> list[str]:
    """What is armed, by time."""
    return [deadline.kind for deadline in desk.open.deadlines]


def fire(desk: Desk, kind: str) -> Deadline:
    """Let the clock reach this deadline, as the clock stage does."""
    deadline = next(each for each in desk.open.deadlines if each.kind == kind)
    desk.now = max(desk.now, deadline.at)
    [command] = decide(desk.city, desk.open, deadline)
    decision = desk.take(command)
    assert decision.outcome is not None
    assert decision.outcome.accepted, decision.outcome.reason
    return deadline


def test_every_post_has_its_limit() -> None:
    limits = {State.VERIFYING: 30, State.FILED: 15, State.DISPATCHED: 15, State.CHECKING: 30, State.CHECKED: 15}
    for state, minutes in limits.items():
        desk = desk_in(state)
        [stage] = [deadline for deadline in desk.open.deadlines if deadline.kind == "stage"]
        assert stage.at == desk.open.entered_at + timedelta(minutes=minutes)


def test_a_limit_reminds_at_80_percent_and_is_overdue_at_100() -> None:
    desk = desk_in(State.HANDLING)
    filed, [remind, overdue] = desk.open.filed_at, desk.open.deadlines
    assert filed is not None
    assert [(d.kind, d.at - filed) for d in (remind, overdue)] == [("remind", 0.8 * 4 * HOUR), ("overdue", 4 * HOUR)]


def test_a_reminder_is_said_once() -> None:
    desk = desk_in(State.DISPATCHED)
    fire(desk, "stage")
    assert desk.facts[-1].type == "reminded"
    fire(desk, "remind")
    assert kinds(desk) == ["overdue"]
    desk.must("note", "leader", note="hurry")
    assert kinds(desk) == ["overdue"]


def test_a_reminder_that_is_due_but_not_fired_survives_what_comes_between() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.wait(minutes=20)
    desk.must("note", "leader", note="hurry")
    assert kinds(desk)[0] == "stage"


def test_an_overdue_case_climbs_the_levels_until_the_top() -> None:
    desk = desk_in(State.FILED)
    desk.must("transfer", "dispatcher", level="subdistrict")
    due_at = desk.open.due_at
    assert due_at is not None
    fire(desk, "overdue")
    assert (desk.open.overdue, desk.open.overdue_at) == (True, due_at)
    assert [(fire(desk, "escalate").at - due_at, desk.open.escalated_to) for _ in range(2)] == [(2 * HOUR, "district"), (4 * HOUR, "city")]
    assert "escalate" not in kinds(desk)


def test_an_acknowledged_escalation_climbs_no_further() -> None:
    desk = desk_in(State.FILED)
    desk.must("transfer", "dispatcher", level="subdistrict")
    fire(desk, "overdue")
    fire(desk, "escalate")
    desk.must("acknowledge", "leader")
    assert "escalate" not in kinds(desk)


def test_an_office_below_cannot_acknowledge_for_the_level_that_has_it() -> None:
    desk = desk_in(State.FILED)
    desk.must("transfer", "dispatcher", level="subdistrict")
    fire(desk, "overdue")
    fire(desk, "escalate")
    district = Actor(id="chief", role=Role.LEADER, unit="clean-1")
    desk.must("acknowledge", district)
    desk.must("escalate", "shift_lead")
    assert (desk.open.escalated_to, desk.open.acknowledged) == ("city", False)
    assert "went up to level city" in desk.refused("acknowledge", district)
    desk.must("acknowledge", Actor(id="mayor", role=Role.LEADER, unit="police"))


def test_a_fired_deadline_fires_nothing_a_second_time() -> None:
    desk = desk_in(State.HANDLING)
    before = desk.open
    deadline = fire(desk, "overdue")
    assert decide(CITY, desk.open, deadline) == ()
    [late] = decide(CITY, before, deadline)
    assert desk.take(late.model_copy(update={"id": "again"})).facts == ()


def test_an_extension_moves_the_reminder_too() -> None:
    desk = desk_in(State.HANDLING)
    fire(desk, "remind")
    due_at = desk.open.due_at
    assert due_at is not None
    desk.must("request_extension", "unit")
    desk.must("grant_extension", "dispatcher")
    assert [(d.kind, d.at - due_at) for d in desk.open.deadlines] == [("remind", 3.2 * HOUR), ("overdue", 4 * HOUR)]


def test_a_suspension_stops_the_clock_resumes_by_itself_and_moves_the_deadline() -> None:
    desk = desk_in(State.HANDLING)
    due_at = desk.open.due_at
    assert due_at is not None
    desk.must("request_suspension", "unit", until=START + timedelta(days=30))
    desk.must("grant_suspension", "dispatcher")
    began = desk.now
    assert kinds(desk) == ["resume"]
    fire(desk, "resume")
    assert (desk.open.state, desk.open.due_at) == (State.HANDLING, due_at + (desk.now - began))
    assert kinds(desk) == ["remind", "overdue"]


def test_a_suspended_case_that_is_merged_and_unmerged_keeps_its_pause() -> None:
    desk = desk_in(State.SUSPENDED)
    began, due_at = desk.now, desk.open.due_at
    assert due_at is not None
    desk.must("merge", "acceptor", into="QD-20261121-BBBBBBBBBB", target={"state": "filed"})
    desk.must("unmerge", "acceptor")
    desk.wait(days=2)
    desk.must("resume", "dispatcher")
    assert desk.open.due_at == due_at + (desk.now - began)


def test_what_was_handled_in_time_is_not_overdue_while_it_waits_for_the_check() -> None:
    desk = desk_in(State.CHECKING)
    assert kinds(desk) == ["stage"]
    desk.must("fail_check", "checker", reason="still there")
    assert kinds(desk) == ["remind", "overdue"]


def test_a_rework_after_the_limit_is_overdue_at_once() -> None:
    desk = desk_in(State.CHECKING)
    desk.wait(hours=9)
    desk.must("fail_check", "checker", reason="still there")
    assert kinds(desk) == ["overdue"]


def test_an_ended_case_only_waits_to_be_forgotten() -> None:
    for state in (State.CLOSED, State.NOT_FILED, State.VOID, State.MERGED):
        assert kinds(desk_in(state)) == ["forget"]


def test_without_escalation_only_what_a_case_needs_itself_is_armed() -> None:
    desk = desk_in(State.HANDLING, town=city(escalation=Escalation(enabled=False)))
    assert desk.open.due_at is not None
    assert kinds(desk) == []
    desk.must("report_handled", "unit", evidence=PHOTO)
    assert kinds(desk) == []


def test_sightings_leave_the_deadlines_alone() -> None:
    desk = desk_in(State.DISPATCHED)
    before = desk.open.deadlines
    desk.take(sight({"/cameras/1": total(2, 1, 60)}))
    assert desk.open.deadlines == before


def test_ids_of_deadlines_are_unique_and_follow_from_the_case() -> None:
    one, other = desk_in(State.DISPATCHED), desk_in(State.DISPATCHED)
    assert one.open.deadlines == other.open.deadlines
    ids = [deadline.id for deadline in one.open.deadlines]
    assert len(set(ids)) == len(ids)


def test_the_levels_above_are_climbed_nearest_first() -> None:
    assert (rungs(CITY, "subdistrict"), rungs(CITY, "city"), rungs(CITY, "moon")) == (("district", "city"), ("city",), ("city",))

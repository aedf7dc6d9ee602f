"""Who a case knows, and what it keeps of them: reporters, helpers, leaders, other parties, holders; what cases do to each other."""

from datetime import timedelta
from typing import Any

import pytest

from incidents.commands import Actor, Evidence, Statement
from incidents.events import CaseId
from incidents.holders import holder
from incidents.refusals import ROLES, STATES, Why
from incidents.vocabulary import Role, State
from tests.incidents.closing import OTHER, PHOTO, START, Desk, desk_in, sight

HELPER = Actor(id="police-7", role=Role.UNIT, unit="police")
EARLIER = CaseId("QD-20261121-0000000000")


def statement(reporter: dict[str, Any] | None) -> Statement:
    """What a resident said on the hotline."""
    return Statement(source="/hotline", id="h1", time=START, channel="hotline", reporter=reporter)


def reported_by(state: State, reporter: dict[str, Any] | None) -> Desk:
    """A case in this state that a resident reported too."""
    desk = desk_in(state)
    desk.take(sight(id="words", statements=(statement(reporter),)))
    return desk


def resident(name: str) -> Actor:
    """Somebody."""
    return Actor(id=name, role=Role.RESIDENT)


# --- reporters


@pytest.mark.parametrize("command", ["reopen", "rate", "withdraw"])
def test_only_who_reported_a_case_may_reopen_rate_or_withdraw_it(command: str) -> None:
    desk = reported_by(State.HANDLING if command == "withdraw" else State.CLOSED, {"name": "王芳", "phone": "13900000001"})
    assert "did not report it" in desk.refused(command, resident("13900000002"), reason="r", rating=5)
    desk.must(command, resident("13900000001"), reason="r", rating=5)


def test_a_sealed_reporter_is_known_by_what_is_equal_in_it() -> None:
    desk = reported_by(State.CLOSED, {"phone": {"sealed": "x", "key": "k", "match": "m1"}})
    assert "did not report it" in desk.refused("reopen", resident("m2"), reason="r")
    desk.must("reopen", resident("m1"), reason="r")


def test_a_case_that_does_not_know_its_reporter_believes_whoever_says_so() -> None:
    reported_by(State.CLOSED, None).must("reopen", resident("anybody"), reason="r")


def test_what_only_cameras_saw_a_shift_lead_reopens_and_no_resident() -> None:
    desk = desk_in(State.CLOSED)
    assert "no person reported it" in desk.refused("reopen", "resident", reason="r")
    desk.must("reopen", "shift_lead", reason="r")


# --- units


def test_the_lead_has_handled_it_when_every_part_that_a_person_gave_out_is_done() -> None:
    desk = desk_in(State.FILED)
    desk.must("dispatch", "dispatcher", unit="clean-1", assisting=("police",))
    desk.must("accept", "unit")
    assert "police has not reported its part" in desk.refused("report_handled", "unit", evidence=PHOTO)
    part = desk.must("report_handled", HELPER, evidence=[{"sha256": "b" * 64}])
    assert ([fact.type for fact in part.facts], desk.open.state) == (["noted"], State.HANDLING)
    desk.must("report_handled", "unit", evidence=PHOTO)
    assert (desk.open.state, desk.open.handler and desk.open.handler.unit, len(desk.open.handled_evidence)) == ("checking", "clean-1", 2)
    helper = Actor(id="x", role=Role.CHECKER, unit="police")
    assert "unit police handled it" in desk.refused("pass_check", helper, evidence=PHOTO)


def test_whom_a_rule_asks_for_help_owes_nothing() -> None:
    desk = desk_in(State.FILED)
    desk.must("dispatch", "system", unit="clean-1", assisting=("police",))
    desk.must("accept", "unit")
    desk.must("report_handled", "unit", evidence=PHOTO)


def test_a_returned_case_goes_to_another_unit_or_up_and_never_down() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.must("return", "unit", reason="not ours")
    assert "goes up" in desk.refused("transfer", "dispatcher", level="subdistrict")
    desk.must("transfer", "dispatcher", level="city")


def test_what_the_arbiter_decides_is_kept_as_a_precedent() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.must("return", "unit", reason="not ours")
    desk.must("dispatch", "dispatcher", unit="clean-2")
    desk.must("return", "unit", reason="nor ours")
    assert (holder(desk.open), desk.open.returns) == ("arbiter", 2)
    [stage] = [each for each in desk.open.deadlines if each.kind == "stage"]
    assert stage.at - desk.open.entered_at == timedelta(hours=1)
    [fact] = desk.must("arbitrate", "arbiter", unit="clean-1", assisting=("police",)).facts
    told = fact.changes["precedent"]
    assert (told["category"], told["condition"], told["district"], told["unit"]) == ("building", "small", "1", "clean-1")
    assert (told["assisting"], told["by"], told["case_id"]) == (["police"], "arbiter-1", desk.open.case_id)


def test_time_counts_to_whoever_held_the_case() -> None:
    desk = desk_in(State.DISPATCHED)
    desk.wait(minutes=10)
    desk.must("return", "unit", reason="not ours")
    desk.wait(minutes=5)
    desk.must("dispatch", "dispatcher", unit="clean-2")
    held = desk.open.held_ms
    assert (held["unit:clean-1"] // 60_000, held["dispatcher"] // 60_000, "unit:clean-2" in held) == (10, 5, False)


# --- evidence


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        ({"sha256": "xyz"}, "64 hexadecimal digits"),
        ({"sha256": "a" * 64, "captured_at": START - timedelta(hours=1)}, "before the dispatch"),
        ({"sha256": "a" * 64, "lon": 120.39, "lat": 36.06}, "m from the case"),
    ],
)
def test_a_check_needs_pictures_of_afterwards_and_of_here(picture: dict[str, Any], reason: str) -> None:
    assert reason in desk_in(State.CHECKING).refused("pass_check", "checker", evidence=[picture])


def test_a_near_picture_of_afterwards_is_good_and_so_is_one_that_a_checker_vouches_for() -> None:
    near = Evidence(sha256="a" * 64, lon=120.3801, lat=36.0601, captured_at=START + timedelta(days=1))
    for picture in (near, PHOTO[0], Evidence(url="s3://x")):
        desk_in(State.CHECKING).must("pass_check", "checker", evidence=[picture])


# --- leaders


def test_a_leader_s_note_must_be_answered_before_the_case_closes() -> None:
    desk = desk_in(State.HANDLING, "spillage")
    desk.must("note", "leader", note="why so slow?")
    desk.must("report_handled", "unit", evidence=PHOTO)
    desk.must("pass_check", "checker", evidence=PHOTO)
    assert desk.open.state is State.CHECKED, "the rule that closes such cases leaves it"
    assert "note of leader-1 is unanswered" in desk.refused("close", "shift_lead")
    desk.must("note", "dispatcher", note="the road was closed")
    desk.must("close", "shift_lead")


def test_only_a_level_above_supervises_and_each_time_counts() -> None:
    desk = desk_in(State.HANDLING)
    same = Actor(id="chief", role=Role.LEADER, unit="clean-2")
    assert "only a level above may" in desk.refused("supervise", same)
    desk.must("supervise", Actor(id="mayor", role=Role.LEADER, unit="police"))
    desk.must("supervise", "leader")
    assert desk.open.supervised == 2


# --- ends


@pytest.mark.parametrize(
    ("command", "role", "fact"),
    [("not_file", "shift_lead", "not_filed"), ("not_accept", "acceptor", "not_accepted"), ("void", "shift_lead", "voided")],
)
def test_the_three_ways_of_not_filing_stay_apart_and_reopening_forgets_none(command: str, role: str, fact: str) -> None:
    desk = desk_in(State.REPORTED)
    desk.must(command, role, reason="no")
    assert str(desk.open.ended_as) == fact
    desk.must("reopen", "shift_lead", reason="after all")
    assert desk.open.ended_as is None
    assert desk.open.reopened == 1


def test_an_upheld_appeal_moves_the_adjusted_figure_and_not_the_fact() -> None:
    desk = desk_in(State.HANDLING)
    desk.wait(hours=2000)
    overdue = next(each for each in desk.open.deadlines if each.kind == "overdue")
    desk.must("overdue", "system", deadline=overdue.id)
    desk.must("report_handled", "unit", evidence=PHOTO)
    desk.must("pass_check", "checker", evidence=PHOTO)
    desk.must("close", "shift_lead")
    desk.must("appeal", "unit")
    for role in ("dispatcher", "acceptor"):
        assert desk.open.overdue_adjusted
        desk.must("decide_appeal", role, upheld=True)
    assert (desk.open.overdue, desk.open.overdue_adjusted) == (True, False)


def test_more_than_sixty_days_of_suspension_are_stock() -> None:
    desk = desk_in(State.SUSPENDED)
    assert not desk.open.is_stock(desk.now + timedelta(days=60))
    assert desk.open.is_stock(desk.now + timedelta(days=60, seconds=1))


# --- other cases


def test_the_severity_of_what_a_case_takes_in_raises_its_own() -> None:
    child = desk_in(State.REPORTED)
    child.must("file", "shift_lead", condition="large")
    [told] = child.must("merge", "acceptor", into=OTHER, target={"state": "filed"}).commands
    parent = desk_in(State.HANDLING)
    parent.must("confirm_duplicate", "system", other=OTHER, severity=told.severity)
    assert (parent.open.severity, parent.open.merged_from) == ("emergency", (OTHER,))


def test_while_a_case_is_being_merged_elsewhere_neither_side_of_it_is_a_target() -> None:
    desk = desk_in(State.FILED)
    assert "being merged at this moment" in desk.refused("merge", "acceptor", into=OTHER, target={"state": "filed", "granted": False})


@pytest.mark.parametrize(("other", "stands"), [(OTHER, True), (EARLIER, False)])
def test_of_two_cases_that_went_into_each_other_all_the_same_the_smaller_id_stands_again(other: CaseId, stands: bool) -> None:
    desk = desk_in(State.HANDLING)
    desk.must("merge", "acceptor", into=other, target={"state": "filed"})
    desk.must("confirm_duplicate", "system", other=other)
    assert (desk.open.state is State.HANDLING, desk.open.merged_into is None) == (stands, stands)


# --- words


@pytest.mark.parametrize("why", list(Why), ids=lambda why: str(why.name))
def test_every_refusal_is_told_in_chinese_and_english_with_the_same_values(why: Why) -> None:
    zh, en = why.value
    assert any("一" <= letter <= "鿿" for letter in zh)
    assert en.isascii()


def test_every_state_and_role_has_its_chinese_name() -> None:
    assert (set(STATES), set(ROLES)) == (set(State), set(Role))

"""The flags of a case, from facts that the real closure said."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from incidents.commands import Actor
from incidents.flags import BIT, FLAGS, adjusted, bits, names
from incidents.vocabulary import Role, State
from tests.evaluation.stories import begun, close, extend, filed, flags, handling, rework
from tests.incidents.closing import OTHER, PHOTO, Desk, opening, sight

LATE = timedelta(hours=5)


def _refused(command: str, role: str) -> Callable[[], Desk]:
    def story() -> Desk:
        desk = begun()
        desk.must(command, role, reason="no")
        return desk

    return story


def _held() -> Desk:
    desk = Desk()
    desk.take(sight(opening=opening(state=State.HELD, held_because="waiting", confirm=3)))
    return desk


def _merged() -> Desk:
    desk = handling()
    desk.must("merge", "acceptor", into=OTHER, target={"state": State.REPORTED})
    return desk


def _not_found() -> Desk:
    desk = begun()
    desk.must("verify", "acceptor")
    desk.must("not_found", "collector")
    return desk


def _void_after_filing() -> Desk:
    desk = filed()
    desk.must("void", "shift_lead", reason="a mistake")
    return desk


COUNTERS = (
    (_held, {"held"}),
    (_merged, {"merged"}),
    (_refused("not_accept", "acceptor"), {"report", "not_accepted"}),
    (_refused("not_file", "shift_lead"), {"report", "not_filed"}),
    (_refused("void", "shift_lead"), {"report", "void"}),
    (_void_after_filing, {"report", "void"}),
    (_not_found, {"report", "not_filed", "not_found"}),
)


@pytest.mark.parametrize(("story", "expected"), COUNTERS)
def test_what_goes_no_further_is_in_its_own_counter_and_no_other_flag(story: Callable[[], Desk], expected: set[str]) -> None:
    posts = {flag.key for flag in FLAGS if flag.key.startswith(("need_", "intime_"))} - {"need_close", "need_handle", "intime_close"}
    assert flags(story()) - posts == expected


WAYS: tuple[tuple[str, Callable[[], Desk], set[str], set[str]], ...] = (
    ("open and not due", handling, {"filed", "dispatched", "open", "to_handle"}, {"need_close", "need_handle"}),
    (
        "handled on time",
        lambda: close(handling()),
        {"handled", "intime_handle", "closed", "intime_close", "need_close"},
        {"overtime_handle"},
    ),
    ("handled late", lambda: close(handling(), LATE), {"closed", "overtime_close", "overtime_handle"}, {"intime_close", "intime_handle"}),
    ("reworked and closed", lambda: close(rework(handling())), {"rework", "closed", "intime_close"}, {"multi_rework"}),
    ("reworked twice", lambda: close(rework(rework(handling()))), {"rework", "multi_rework"}, set()),
    ("extended, then closed on time", lambda: close(extend(handling()), LATE), {"extended", "intime_close"}, {"overtime_close"}),
    ("in rework, not due", lambda: rework(handling()), {"rework", "open"}, {"handled", "need_close"}),
)


@pytest.mark.parametrize(("story", "there", "absent"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
def test_a_way_of_a_case_and_its_flags(story: Callable[[], Desk], there: set[str], absent: set[str]) -> None:
    found = flags(story())
    assert there <= found
    assert not absent & found


def test_an_open_case_is_to_be_closed_from_the_moment_its_limit_is_over_even_when_no_fact_says_so() -> None:
    desk = handling()
    due = desk.open.due_at
    assert due is not None
    assert "need_close" not in flags(desk, due)
    assert {"need_close", "need_handle", "overtime_handle", "open"} <= flags(desk, due + timedelta(milliseconds=1))


def test_what_nobody_dispatched_is_to_be_closed_when_overdue_but_to_be_handled_by_nobody() -> None:
    found = flags(filed(), filed().now + LATE)
    assert "need_close" in found
    assert "need_handle" not in found


def test_what_is_over_while_a_rework_runs_is_late() -> None:
    assert "overtime_close" in flags(close(rework(handling()), LATE))


def test_a_suspended_case_does_not_come_due_and_is_stock_after_sixty_days() -> None:
    desk = handling()
    desk.must("request_suspension", "unit")
    desk.must("grant_suspension", "dispatcher")
    assert {"suspended", "suspended_ever"} <= flags(desk, desk.now + timedelta(days=59))
    found = flags(desk, desk.now + timedelta(days=61))
    assert "suspended_stock" in found
    assert "need_close" not in found


def test_a_case_that_leaves_its_first_unit_was_not_dispatched_accurately() -> None:
    desk = filed()
    desk.must("dispatch", "dispatcher", unit="clean-1")
    assert "accurate_dispatch" in flags(desk)
    desk.must("return", "unit", reason="not ours")
    assert {"redispatched", "returned"} <= flags(desk)
    desk.must("dispatch", "dispatcher", unit="clean-2")
    assert "accurate_dispatch" not in flags(desk)
    desk.must("return", "unit", reason="nor ours")
    assert "ping_pong" in flags(desk)


def test_a_reopened_case_begins_anew_and_stays_marked() -> None:
    desk = close(handling(), LATE)
    desk.must("reopen", "shift_lead", reason="it is still there")
    found = flags(desk)
    assert {"reopened", "filed", "dispatched"} <= found
    assert not {"closed", "need_close", "overtime_handle", "handled"} & found


def test_an_upheld_appeal_changes_only_the_adjusted_flags() -> None:
    desk = close(handling(), LATE)
    desk.must("appeal", Actor(id="unit-1", role=Role.UNIT, unit="clean-1"))
    before = flags(desk)
    desk.must("decide_appeal", "dispatcher", upheld=True)
    desk.must("decide_appeal", "acceptor", upheld=True)
    raw = flags(desk)
    assert raw - before == {"appeal_upheld"}
    assert "overtime_close" in raw
    heard = set(names(adjusted(bits(raw))))
    assert {"intime_handle", "intime_close"} <= heard
    assert not {"overtime_handle", "overtime_close"} & heard


def test_a_refused_appeal_changes_nothing() -> None:
    desk = close(handling(), LATE)
    desk.must("appeal", "unit")
    desk.must("decide_appeal", "dispatcher", upheld=False)
    number = bits(flags(desk))
    assert adjusted(number) == number


STAGES = (
    ("accept", lambda: begun(), 15),
    ("dispatch", lambda: filed(), 15),
    ("take", lambda: _dispatched(), 15),
    ("check", lambda: _checking(), 30),
)


def _dispatched() -> Desk:
    desk = filed()
    desk.must("dispatch", "dispatcher", unit="clean-1")
    return desk


def _checking() -> Desk:
    desk = handling()
    desk.must("report_handled", "unit", evidence=PHOTO)
    return desk


@pytest.mark.parametrize(("post", "story", "minutes"), STAGES, ids=[stage[0] for stage in STAGES])
def test_a_post_that_waits_too_long_is_late_also_while_it_still_waits(post: str, story: Callable[[], Desk], minutes: int) -> None:
    desk = story()
    assert f"need_{post}" not in flags(desk, desk.now + timedelta(minutes=minutes))
    found = flags(desk, desk.now + timedelta(minutes=minutes, seconds=1))
    assert f"need_{post}" in found
    assert f"intime_{post}" not in found


def test_a_post_in_time_once_and_late_the_second_time_is_late() -> None:
    desk = rework(handling())
    assert {"need_check", "intime_check"} <= flags(desk)
    desk.must("report_handled", "unit", evidence=PHOTO)
    assert "intime_check" in flags(desk)
    found = flags(desk, desk.now + timedelta(hours=1))
    assert "need_check" in found
    assert "intime_check" not in found


def test_hotline_cases_are_answered_closed_called_back_and_satisfied() -> None:
    desk = close(handling(channel="hotline"))
    assert {"hotline", "hotline_answered", "hotline_due", "hotline_closed"} <= flags(desk)
    desk.must("rate", "acceptor", rating=5)
    assert {"hotline_rated", "hotline_satisfied"} <= flags(desk)


def test_no_number_of_flags_is_too_large_for_a_column() -> None:
    assert len({flag.key for flag in FLAGS}) == len(FLAGS)
    assert sum(BIT.values()) < 1 << 63  # SQL's largest whole number


def test_a_leaders_note_is_counted_and_waits_for_its_answer() -> None:
    desk = handling()
    desk.must("note", "dispatcher", note="on our way")
    assert not {"leader_noted", "note_unanswered"} & flags(desk)
    desk.must("note", "leader", note="why so late?")
    assert {"leader_noted", "note_unanswered"} <= flags(desk)
    desk.must("note", "unit", note="the road was closed")
    assert "note_unanswered" not in flags(desk)
    assert "leader_noted" in flags(desk)

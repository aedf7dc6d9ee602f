"""Random lives of cases: what people and time may do, in any order; what the state machine refuses leaves no fact."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from incidents.case import Fact
from incidents.steps.escalation import decide as escalate
from incidents.transitions import find
from incidents.vocabulary import CommandType, State
from tests.incidents.closing import OTHER, PHOTO, Desk, opening, sight

Act = tuple[str, str, dict[str, Any]]
ACTS: tuple[Act, ...] = (
    ("file", "shift_lead", {}),
    ("dispatch", "dispatcher", {"unit": "clean-1"}),
    ("dispatch", "dispatcher", {"unit": "clean-2"}),
    ("accept", "unit", {}),
    ("report_handled", "unit", {"evidence": PHOTO}),
    ("pass_check", "checker", {"evidence": PHOTO}),
    ("close", "shift_lead", {}),
    ("fail_check", "checker", {"reason": "still there"}),
    ("return", "unit", {"reason": "not ours"}),
    ("arbitrate", "arbiter", {"unit": "clean-1"}),
    ("request_extension", "unit", {"reason": "rain"}),
    ("grant_extension", "dispatcher", {}),
    ("request_suspension", "unit", {"reason": "winter"}),
    ("grant_suspension", "dispatcher", {}),
    ("resume", "dispatcher", {}),
    ("transfer", "shift_lead", {"level": "city"}),
    ("merge", "acceptor", {"into": OTHER, "target": {"state": "filed"}}),
    ("unmerge", "acceptor", {}),
    ("reopen", "shift_lead", {"reason": "it is back"}),
    ("appeal", "unit", {}),
    ("decide_appeal", "dispatcher", {"upheld": True}),
    ("decide_appeal", "acceptor", {"upheld": True}),
    ("not_file", "shift_lead", {"reason": "no"}),
    ("not_accept", "acceptor", {"reason": "no"}),
    ("void", "shift_lead", {"reason": "no"}),
    ("supervise", "leader", {}),
    ("recategorise", "acceptor", {"category": "spillage", "condition": "large"}),
    ("confirm", "acceptor", {}),
    ("note", "unit", {"note": "on our way"}),
    ("rate", "acceptor", {"rating": 5}),
)
USUAL = ACTS[:1] + ACTS[1:2] + ACTS[3:7]
STEPS = st.lists(st.tuples(st.integers(0, 999), st.sampled_from([1, 10, 60, 300, 100_000])), max_size=14)


@st.composite
def lives(draw: st.DrawFn) -> list[Fact]:
    """The facts of one case; part of the usual way first, so that most lives come far, then what the state allows."""
    desk = Desk()
    held: dict[str, Any] = {"state": State.HELD, "held_because": "waiting", "confirm": 3} if draw(st.integers(0, 9)) == 0 else {}
    channel = draw(st.sampled_from(["low_video", "hotline", "grid_worker"]))
    desk.take(sight(opening=opening(category="building", channel=channel, **held)))
    for act in USUAL[: draw(st.integers(0, len(USUAL)))]:
        _lived(desk, act, 10)
    for choice, minutes in draw(STEPS):
        possible = [act for act in ACTS if find(CommandType(act[0]), desk.open.state)]
        _lived(desk, possible[choice % len(possible)], minutes)
    return desk.facts


def _lived(desk: Desk, act: Act, minutes: int) -> None:
    desk.now += timedelta(minutes=minutes)
    for deadline in desk.open.deadlines:
        if deadline.at <= desk.now:
            for fired in escalate(desk.city, desk.open, deadline):
                desk.take(fired)
    command, role, arguments = act
    desk.give(command, role, **arguments)

"""Who holds a case: the time that passes counts to them (DOMAIN.md, return: "the time counts to whoever held it").

A holder is a post (`shift_lead`, `collector`, `dispatcher`, `arbiter`, `checker`), `unit:<key>`, or `suspended`. `Case.held_ms` sums up
what each has held it so far; the present state's share is added when the case leaves it.
"""

from datetime import datetime, timedelta

from incidents.case import Case
from incidents.transitions import RETURNS_TO_ARBITER
from incidents.vocabulary import Role, State

POSTS = {
    State.REPORTED: Role.SHIFT_LEAD,
    State.VERIFYING: Role.COLLECTOR,
    State.FILED: Role.DISPATCHER,
    State.CHECKING: Role.CHECKER,
    State.CHECKED: Role.SHIFT_LEAD,
}


def holder(case: Case) -> str | None:
    """Who must act next; None while nobody must: held back, or over."""
    if case.state in (State.DISPATCHED, State.HANDLING):
        return f"unit:{case.unit}"
    if case.state is State.SUSPENDED:
        return "suspended"
    if in_dispute(case):
        return Role.ARBITER
    return POSTS.get(case.state)


def in_dispute(case: Case) -> bool:
    """Whether two units sent it back and nobody has decided yet."""
    return case.state is State.FILED and len(case.returned_by) >= RETURNS_TO_ARBITER and case.arbitrated is None


def held_until(case: Case, at: datetime) -> dict[str, int]:
    """Milliseconds by holder, with the present state's up to `at`."""
    now = holder(case)
    if now is None:
        return case.held_ms
    return {**case.held_ms, now: case.held_ms.get(now, 0) + (at - case.entered_at) // timedelta(milliseconds=1)}

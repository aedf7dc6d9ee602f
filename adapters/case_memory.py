"""The in-memory twin of `adapters.case_store.RedisCases`, for tests and for `cityloop rehearse`: same contract, no servers.

Like Redis it keeps JSON and not objects, so that what a case loses on the way is lost here too.
"""

from collections.abc import Collection, Sequence

from adapters.case_store import LEASE_MS, Move, cursor_after, deadline_of, member_of
from incidents.case import Case, Deadline, Outcome
from incidents.events import CaseId, epoch_ms


class MemoryCases:
    """See `adapters.case_store.Cases`. Nothing is dropped after its time."""

    def __init__(self) -> None:
        self._cases: dict[CaseId, str] = {}
        self._deadlines: dict[str, int] = {}
        self._claimed: dict[str, int] = {}
        self._replies: dict[str, Outcome] = {}

    async def load(self, ids: Collection[CaseId]) -> dict[CaseId, Case]:
        """See Cases."""
        return {case_id: Case.model_validate_json(self._cases[case_id]) for case_id in ids if case_id in self._cases}

    async def apply(self, moves: Sequence[Move], answers: Sequence[Outcome] = ()) -> set[CaseId]:
        """See Cases."""
        conflicts = {move.after.case_id for move in moves if not self._move(move)}
        self._replies |= {outcome.command_id: outcome for outcome in (*answers, *(each for move in moves for each in move.outcomes))}
        return conflicts

    def _move(self, move: Move) -> bool:
        case = move.after
        known = self._case(case.case_id)
        at = known.sequence if known else 0
        forgets = move.before is not None and move.before.sequence == case.sequence
        if at >= case.sequence and not (forgets and at == case.sequence):
            return at == case.sequence
        was = {member_of(case, deadline) for deadline in move.before.deadlines} if move.before else set()
        stays = {member_of(case, deadline): epoch_ms(deadline.at) for deadline in case.deadlines}
        for gone in was - set(stays):
            self._deadlines.pop(gone, None)
            self._claimed.pop(gone, None)
        self._deadlines |= {member: due for member, due in stays.items() if member not in was}
        self._cases[case.case_id] = case.model_dump_json()
        return True

    async def claim_due(self, now_ms: int, real_ms: int, limit: int) -> Sequence[tuple[Case, Deadline]]:
        """See Cases."""
        leased = sorted((until, member) for member, until in self._claimed.items() if until <= real_ms)[:limit]
        due = sorted((at, member) for member, at in self._deadlines.items() if at <= now_ms)[: limit - len(leased)]
        claimed = []
        for _, member in (*leased, *due):
            self._deadlines.pop(member, None)
            case_id, _, deadline_id = member.partition(" ")
            case = self._case(CaseId(case_id))
            deadline = deadline_of(case, deadline_id)
            if case is None or deadline is None:
                self._claimed.pop(member, None)
            else:
                self._claimed[member] = real_ms + LEASE_MS
                claimed.append((case, deadline))
        return claimed

    async def due(self, now_ms: int) -> int:
        """See Cases."""
        return sum(at <= now_ms for at in self._deadlines.values()) + len(self._claimed)

    async def page(self, cursor: str | None, limit: int) -> tuple[list[Case], str | None]:
        """See Cases."""
        listed = [case for case_id in self._cases if (case := self._case(case_id)) is not None and not case.forgotten]
        ordered = sorted(listed, key=_place, reverse=True)
        if cursor is not None:
            from_ms, _, last = cursor.partition("|")
            ordered = [case for case in ordered if _place(case) < (int(from_ms), last)]
        return ordered[:limit], cursor_after(ordered[:limit], limit)

    async def reply(self, command_id: str) -> Outcome | None:
        """See Cases."""
        return self._replies.get(command_id)

    def _case(self, case_id: CaseId) -> Case | None:
        value = self._cases.get(case_id)
        return None if value is None else Case.model_validate_json(value)


def _place(case: Case) -> tuple[int, str]:
    return epoch_ms(case.opened_at), case.case_id

"""The in-memory twin of `adapters.case_store.RedisCases`, for tests and for `cityloop rehearse`: same contract, no servers.

Like Redis it keeps JSON and not objects, so that what a case loses on the way is lost here too.
"""

from collections.abc import Collection, Sequence

from adapters.case_store import LEASE_MS, Move, alias_of, cursor_after, deadline_of, member_of
from incidents.case import Case, Deadline
from incidents.commands import Command, Outcome, Target
from incidents.events import CaseId, epoch_ms
from incidents.facts import encode_case
from incidents.vocabulary import ENDED


class MemoryCases:
    """See `adapters.case_store.Cases`. Nothing is dropped after its time."""

    def __init__(self) -> None:
        self._cases: dict[CaseId, bytes] = {}
        self._deadlines: dict[str, int] = {}
        self._claimed: dict[str, int] = {}
        self._replies: dict[str, Outcome] = {}
        self._aliases: dict[CaseId, str] = {}

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
        self._cases[case.case_id] = move.json or encode_case(case)
        if case.merged_into and not case.forgotten:
            self._aliases.setdefault(case.case_id, case.merged_into)
        elif case.forgotten or (move.before is not None and move.before.merged_into):
            self._aliases.pop(case.case_id, None)
        return True

    async def alias(self, merges: Sequence[Command]) -> list[Target]:
        """See Cases."""
        return [self._alias(each) for each in merges]

    def _alias(self, merge: Command) -> Target:
        into, wanted = self._case(merge.into or CaseId("")), " ".join(alias_of(merge))
        stands = self._aliases.get(merge.case_id)
        is_open = into is not None and into.state not in ENDED and into.case_id != merge.case_id
        if stands is None and into is not None and is_open and into.case_id not in self._aliases:
            self._aliases[merge.case_id] = stands = wanted
        return Target(state=into.state if into else None, granted=stands == wanted)

    async def release(self, merges: Sequence[Command]) -> None:
        """See Cases."""
        for each in merges:
            if self._aliases.get(each.case_id) == " ".join(alias_of(each)):
                self._aliases.pop(each.case_id)

    async def claim_due(self, now_ms: int, real_ms: int, limit: int) -> tuple[Sequence[tuple[CaseId, Deadline]], bool]:
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
                claimed.append((case.case_id, deadline))
        return claimed, len(leased) + len(due) == limit

    async def due(self, now_ms: int) -> int:
        """See Cases."""
        claimed = sum(int(member.rpartition(":")[2]) <= now_ms for member in self._claimed)
        return sum(at <= now_ms for at in self._deadlines.values()) + claimed

    async def rearm(self, cases: Sequence[Case]) -> int:
        """See Cases."""
        carried = {member_of(case, each): epoch_ms(each.at) for case in cases for each in case.deadlines}
        lost = {member: at for member, at in carried.items() if member not in self._deadlines and member not in self._claimed}
        self._deadlines |= lost
        return len(lost)

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

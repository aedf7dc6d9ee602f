"""The twin in memory of what the dispatcher keeps (adapters/hook_state.py): for tests and rehearsals, held to the same contract.

Its lease never expires by itself; `expire` lets it.
"""

from collections import defaultdict
from typing import TypeVar

from adapters.hook_state import ALIKE, KEPT, Escalation, Explained, Kept, LeaseLost, Turn

T = TypeVar("T")


class MemoryHookState:
    """See HookState."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self._records: dict[str, str] = {}
        self._offsets: dict[int, int] = {}
        self._topic: str | None = None
        self._escalations: dict[str, Escalation] = {}
        self._told: dict[str, list[Explained]] = defaultdict(list)

    def expire(self) -> None:
        """As when nobody renewed the lease in time."""
        self.holder = None

    async def take(self, token: str) -> bool:
        """See HookState."""
        if self.holder not in (None, token):
            return False
        self.holder = token
        return True

    async def renew(self, token: str) -> bool:
        """See HookState."""
        return self.holder == token

    async def release(self, token: str) -> None:
        """See HookState."""
        if self.holder == token:
            self.holder = None

    async def load(self) -> Kept:
        """See HookState."""
        return Kept(dict(self._records), dict(self._offsets), self._topic, dict(self._escalations))

    async def forget(self, token: str) -> None:
        """See HookState."""
        self._guard(token)
        self._records, self._offsets, self._topic, self._escalations = {}, {}, None, {}

    def _guard(self, token: str) -> None:
        if self.holder != token:
            raise LeaseLost

    async def write(self, token: str, turn: Turn) -> None:
        """See HookState."""
        self._guard(token)
        for key, value in turn.records.items():
            _put(self._records, key, value)
        self._offsets.update(turn.offsets)
        self._topic = turn.topic or self._topic
        for id_, each in turn.escalations.items():
            _put(self._escalations, id_, each)
        for case_id, said in turn.told:
            known = self._told[case_id]
            if all(other.marker != said.marker for other in known[:ALIKE]):
                self._told[case_id] = [said, *known][:KEPT]

    async def explained(self, case_id: str) -> list[Explained]:
        """See HookState."""
        return list(self._told.get(case_id, ()))


def _put(kept: dict[str, T], key: str, value: T | None) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = value

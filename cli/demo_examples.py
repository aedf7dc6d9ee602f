"""Cases of a demo that are worth a look: for every turn that a case can take, one that took it and is over, with its story.

Told from the facts alone. The story of a case is kept while it is open, and afterwards only where it is the first of its kind.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from incidents.case import Fact
from incidents.vocabulary import FactType

F = FactType
TURNS = (F.VERIFIED, F.RETURNED, F.ARBITRATED, F.CHECK_FAILED, F.EXTENDED, F.SUSPENDED, F.ESCALATED)
QUIET = (F.SIGHTED, F.UPDATED)


@dataclass
class Line:
    """A fact as `cli.case_story` tells it."""

    fact: FactType
    sequence: int
    data: dict[str, Any]


@dataclass
class Examples:
    """`ended`: turn → the first case that took it and is over; escalations count when the highest level was reached."""

    top: str
    ended: dict[FactType, str] = field(default_factory=dict)
    stories: dict[str, list[Line]] = field(default_factory=dict)

    def hear(self, fact: Fact) -> None:
        """The next fact of any case; each once, in the order of the case."""
        story = self.stories.setdefault(fact.case_id, [])
        if fact.type not in QUIET:
            head = {"at": fact.at.isoformat(), "actor": fact.actor.model_dump(), "note": fact.note, "reason": fact.reason}
            story.append(Line(fact.type, fact.sequence, fact.changes | head))
        if fact.case.ended_at is None:
            return
        new = [turn for turn in self._turns(story) if turn not in self.ended]
        self.ended |= dict.fromkeys(new, fact.case_id)
        if not new and fact.case_id not in self.ended.values():
            del self.stories[fact.case_id]

    def _turns(self, story: Iterable[Line]) -> set[FactType]:
        taken = {line.fact for line in story if line.fact is not F.ESCALATED or line.data.get("escalated_to") == self.top}
        return taken & set(TURNS)

    def richest(self) -> tuple[str, list[Line]] | None:
        """The example that took the most turns, and its story."""
        found = sorted(set(self.ended.values()), key=lambda case_id: (-len(self._turns(self.stories[case_id])), case_id))
        return (found[0], self.stories[found[0]]) if found else None

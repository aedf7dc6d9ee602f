"""What a pure step returns: the verdict on a report, and the decision on a command. A shell only carries them out."""

from dataclasses import dataclass
from enum import StrEnum

from incidents.case import Case, Fact
from incidents.commands import Command, Outcome


class Verdict(StrEnum):
    """What became of a report; exactly one per offset of `incidents.reported` (`already` is an answer, never a fate)."""

    OPENED = "opened"
    MERGED = "merged"
    HELD = "held"
    RESENT = "resent"
    REJECTED = "rejected"
    LOST = "lost"
    FAILED = "failed"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Decision:
    """A command's effect: facts in order (none when refused or already known), the case after them, the outcome for who waits.

    `case` None: there is no such case. `outcome` None: the record was applied before, and whoever waited has been answered.
    `commands` go to other cases in this one's name. `forgotten` asks the shell to drop the case from the hot store's lists and to
    tombstone it in `cases.latest`.
    """

    case: Case | None
    facts: tuple[Fact, ...] = ()
    outcome: Outcome | None = None
    commands: tuple[Command, ...] = ()
    forgotten: bool = False

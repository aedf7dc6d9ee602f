"""What the facts say of every case, kept small for the audit: each sequence once, and how the case began and stands.

Built from `cases.events` in the order of each partition. A fact said twice must be the same to the byte; 1, 2, 3 … without a gap.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from incidents.case import Position
from incidents.vocabulary import ENDED, State

SAID = (1 << 64) - 1


@dataclass(slots=True)
class Story:
    """One case as its facts tell it; `digests` holds one number per sequence, 0 where nothing was said."""

    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    opened: bool = False
    first_state: str = ""
    first_said: tuple[Position, ...] = ()
    state: str = ""
    told: int = 0
    released: bool = False

    @property
    def sequence(self) -> int:
        """The highest sequence said."""
        return len(self.digests)

    @property
    def ended(self) -> bool:
        """Whether the case may have left the hot store."""
        return self.state in ENDED


class FactBook:
    """Every case's story; memory grows with the facts, 8 bytes each, so it is for one audit and not for a server."""

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}
        self.forks: list[str] = []
        self.disorder: list[str] = []

    def add(self, event: Mapping[str, Any], value: bytes) -> None:
        """Count one fact, given parsed and as it stood. Raises KeyError or TypeError when it has not the shape of a fact."""
        fact = event["data"]
        case_id, sequence, case = fact["case_id"], int(fact["sequence"]), fact["case"]
        story = self.stories.setdefault(case_id, Story())
        digest = hash(value) & SAID or 1
        if sequence <= story.sequence and story.digests[sequence - 1]:
            if story.digests[sequence - 1] != digest:
                self.forks.append(f"{case_id} sequence {sequence}")
            return
        self._place(story, case_id, sequence, digest)
        if sequence == 1:
            story.first_state, story.first_said = case["state"], tuple(_positions(case))
            story.opened = event["type"] == "city.case.opened.v1"
        story.released |= story.first_state == State.HELD and case["state"] not in (State.HELD, State.NOT_FILED)
        story.state, story.told = case["state"], sum(total["count"] for total in case["totals"].values())

    def _place(self, story: Story, case_id: str, sequence: int, digest: int) -> None:
        if sequence != story.sequence + 1:
            self.disorder.append(f"{case_id} sequence {sequence} after {story.sequence}")
        if sequence > story.sequence:
            story.digests.extend([0] * (sequence - story.sequence))
        story.digests[sequence - 1] = digest

    def gaps(self) -> Iterator[str]:
        """Every sequence that is missing below the highest one of its case."""
        for case_id, story in self.stories.items():
            if 0 in story.digests:
                yield from (f"{case_id} sequence {at}" for at, digest in enumerate(story.digests, 1) if not digest)


def _positions(case: Mapping[str, Any]) -> Iterator[Position]:
    for total in case["totals"].values():
        yield Position(topic_id=total["topic_id"], partition=total["partition"], offset=total["offset"])

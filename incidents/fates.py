"""What intake says of every report: the rows of a record on `incidents.fates`.

Intake writes one record per partition and flush, behind its call and before its commit; the audit, `explain` and the console's counters
read them. The bytes are the business of `adapters.fates`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from incidents.decision import Verdict
from incidents.errors import CityloopError


class BadFates(CityloopError):
    """A record on `incidents.fates` that cannot be read: nobody but intake writes there, so it is a fault and never data."""


class Fate(NamedTuple):
    """One verdict and the reports it fell on, by ascending offset in one partition of `incidents.reported`.

    `case_id` is None where no case came of it (rejected, lost); `rules` is the version of the rules that decided.
    """

    case_id: str | None
    verdict: Verdict
    reason: str
    rules: str
    offsets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Flush:
    """All that one record says; `topic_id` names the incarnation of `incidents.reported` (a topic made anew has another one)."""

    topic_id: str
    partition: int
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The note, among the fates, that the hot store was filled anew: sightings that were counted but not yet told may be gone."""

    at: datetime

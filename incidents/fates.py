"""What intake says of every report: the rows of a record on `incidents.fates`.

Intake writes one record per partition and flush, behind its call and before its commit; the audit, `explain` and the console's counters
read them. The bytes are the business of `adapters.fates`.
"""

import re
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


class Grounds(NamedTuple):
    """A fate's reason taken apart: the rule (for a rejected report, why), and where the rule compares, the numbers that it compared.

    `distance_m` and `seconds` lie between the report and its case as it was; `held` is `2/3` while a case waits for more sightings.
    """

    rule: str
    distance_m: int | None = None
    seconds: int | None = None
    held: str | None = None


_REASON = re.compile(r"(?:held (?P<held>\d+/\d+) )?(?P<rule>\w+)(?: (?P<metres>\d+) m (?P<seconds>\d+) s)?")


def grounds(reason: str) -> Grounds:
    """What a reason says. A reason in other words than intake's own is a rule without numbers: its first word.

    >>> grounds("same_place 12 m 340 s")
    Grounds(rule='same_place', distance_m=12, seconds=340, held=None)
    >>> grounds("held 2/3 same_source 1 m 5 s").held, grounds("lost 5..9").rule, grounds("not_json").distance_m
    ('2/3', 'lost', None)
    """
    found = _REASON.match(reason)
    if found is None:
        return Grounds(reason)
    metres, seconds = found["metres"], found["seconds"]
    return Grounds(found["rule"], None if metres is None else int(metres), None if seconds is None else int(seconds), found["held"])


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

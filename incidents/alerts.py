"""A case seen from outside: as an alert, with what of it may be told to everybody.

From the facts of `cases.events`, for the board of notices (`incidents.notice_board`). The labels are those of the filing and name the
alert's group; what changes while it fires (state, unit, overdue, level …) is told in annotations, so that no change forks the alert.
Nothing personal is in either: no statement, no description, no plate, no floor; of the address
only what names the place (incidents.public_address).
"""

import hashlib
from collections.abc import Iterator, Mapping

from incidents.case import Case
from incidents.catalogue import City
from incidents.notices import Alert
from incidents.public_address import public_address
from incidents.vocabulary import ENDED, Closes, State

NOT_YET = frozenset({State.HELD, State.REPORTED, State.VERIFYING})
LABELS = ("city", "category", "domain", "district", "subdistrict", "channel", "severity", "case_id")


def fingerprint_of(case_id: str) -> str:
    """Names the alert of a case: sixteen hex digits, as Alertmanager's."""
    return hashlib.sha256(case_id.encode()).hexdigest()[:16]


def alert_of(city: City, case: Case) -> Alert | None:
    """The case as an alert: it fires from its filing, and is resolved in every end state; None while it is none (not filed yet).

    `starts_at` is when it was filed, after a reopening when it was filed again: a new occurrence. A label that the case does not have
    (no district) is left out, which is the same as an empty one to every matcher. What another system's alert was posted with
    (`alertname`, `job` …) stands beside them, so that trees and silences may name it.
    """
    if case.filed_at is None or case.state in NOT_YET:
        return None
    return Alert(
        fingerprint=fingerprint_of(case.case_id),
        labels=dict(_filled(_labels(city, case))),
        annotations=dict(_filled(_annotations(case))),
        starts_at=case.filed_at,
        ends_at=(case.ended_at or case.told_at or case.entered_at) if case.state in ENDED else None,
        sequence=case.sequence,
    )


def posted_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """What of an alert's own labels stands beside the case's: nobody who posts says what district or category a case is of."""
    return {name: value for name, value in labels.items() if name not in LABELS}


def _labels(city: City, case: Case) -> Iterator[tuple[str, object]]:
    category = city.catalogue.get(case.category)
    if category is not None and category.close is Closes.SOURCE:
        yield from posted_labels((case.attributes or {}).get("labels", {})).items()
    yield "city", city.key
    yield "category", case.category
    yield "domain", category.domain if category else None
    yield "district", case.place.district
    yield "subdistrict", case.place.subdistrict
    yield "channel", case.channel.value
    yield "severity", case.severity.value
    yield "case_id", case.case_id


def _annotations(case: Case) -> Iterator[tuple[str, object]]:
    """Category and severity once more, for a person may change them after the filing."""
    yield "state", case.state.value
    yield "category", case.category
    yield "condition", case.condition
    yield "severity", case.severity.value
    yield "level", case.level
    yield "unit", case.unit
    yield "assisting", " ".join(case.assisting)
    yield "overdue", str(case.overdue).lower()
    yield "due_at", case.due_at.isoformat() if case.due_at else None
    yield "escalated_to", case.escalated_to
    yield "acknowledged", str(case.acknowledged).lower() if case.escalated_to else None
    yield "address", public_address(case.place.address or "")
    yield "community", case.place.community
    yield "grid", case.place.grid
    if case.place.known:
        yield "lon", f"{case.place.lon:.6f}"
        yield "lat", f"{case.place.lat:.6f}"
    yield "ended_as", case.ended_as.value if case.ended_as else None
    yield "merged_into", case.merged_into


def _filled(values: Iterator[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in values if value not in (None, ""))

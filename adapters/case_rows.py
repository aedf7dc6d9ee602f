"""A record of `cases.events` as rows of the case tables, made from its JSON without building a `Fact`: this process runs closure, too.

What is no fact is told apart here, so that the projection puts it on the dead letters and the tables never meet it.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.case_words import square_of, words_of
from incidents.errors import BadCommand, RejectReason
from incidents.evaluation import NO_FACT, moment_ms
from incidents.facts import HEAD
from incidents.vocabulary import ENDED, Channel, DeadlineKind, FactType, Severity, State

PER_MS = 4096
"""So many cases may be opened in one millisecond; a number stays below 2^53, exact in JavaScript."""
_COPIED = ("case_id", "sequence", "revision", "state", "held_because", "category", "condition", "severity", "channel", "unit", "level")
_PLACED = ("district", "subdistrict", "community", "grid", "address")
_MOMENTS = ("opened", "filed", "dispatched", "accepted", "handled", "ended", "entered", "due")
_URGENCY = {severity: at for at, severity in enumerate(Severity)}
_STATES, _CHANNELS, _FACTS = frozenset(State), frozenset(Channel), frozenset(FactType)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One fact: where it stands on the log, its envelope and case as JSON, and its row of each table (still without `number`)."""

    partition: int
    offset: int
    event: Row
    fact: Row
    case: Row

    @property
    def case_id(self) -> str:
        """Whose fact it is."""
        return str(self.case["case_id"])

    @property
    def sequence(self) -> int:
        """Which one it is of its case."""
        return int(self.fact["sequence"])


def read_fact(value: bytes | None, partition: int = 0, offset: int = 0) -> Told:
    """The fact in a record. Raises BadCommand: whoever reads facts puts it on the dead letters."""
    if value is None:
        raise BadCommand(RejectReason.NULL_VALUE, "a fact's value is a CloudEvent in JSON, this record has none")
    try:
        event: Row = orjson.loads(value)
        return Told(partition, offset, event, _fact_row(event), case_row(event["data"]["case"]))
    except NO_FACT as error:
        raise BadCommand(RejectReason.INVALID_SHAPE, f"no fact: {error!r}"[:300]) from None


def case_row(case: Row) -> Row:
    """The row of `cases`; `number` is not the case's to know. Raises one of NO_FACT."""
    place, totals, assisting = case["place"], case.get("totals") or {}, case.get("assisting") or []
    row: Row = {name: _plain(case.get(name)) for name in _COPIED} | {name: _plain(place.get(name)) for name in _PLACED}
    row |= {f"{name}_ms": _ms(case.get(f"{name}_at")) for name in _MOMENTS}
    row |= {
        "lon": float(place["lon"]),
        "lat": float(place["lat"]),
        "square": square_of(float(place["lon"]), float(place["lat"])),
        "is_open": State(case["state"]) not in ENDED,
        "urgency": _URGENCY[Severity(case["severity"])],
        "assisting": orjson.dumps(assisting).decode(),
        "first_seen_ms": moment_ms(case["first_seen"]),
        "last_seen_ms": moment_ms(case["last_seen"]),
        "stage_due_ms": _stage_due(case.get("deadlines") or ()),
        "overdue": bool(case.get("overdue")),
        "count": sum(total["count"] for total in totals.values()),
        "sources": len(totals),
        "confidence": case.get("confidence"),
        "algorithm": _plain(case.get("algorithm")),
        "picture": next((each["sha256"] for each in case.get("evidence") or () if each.get("sha256")), None),
        "merged_into": case.get("merged_into"),
    }
    if case["channel"] not in _CHANNELS or row["opened_ms"] is None or row["entered_ms"] is None:
        raise ValueError("a case has a channel, and moments at which it was opened and came into its state")
    return row


def document_row(case: Row) -> Row:
    """The row of `documents`."""
    return {"json": orjson.dumps(case).decode()}


def word_row(case: Row, row: Row) -> Row:
    """The row of `case_words` of a case and its row of `cases`."""
    return {"words": words_of(case, row)}


def number_of(case_id: str, opened_ms: int) -> int:
    """The number that a case takes when nobody has it; otherwise it takes the next free one."""
    return opened_ms * PER_MS + zlib.crc32(case_id.encode()) % PER_MS


def _fact_row(event: Row) -> Row:
    data = event["data"]
    kind, sequence = event["type"].split(".")[2], data["sequence"]
    if (
        kind not in _FACTS
        or not isinstance(sequence, int)
        or sequence != data["case"]["sequence"]
        or data["case_id"] != data["case"]["case_id"]
    ):
        raise ValueError(f"fact {kind!r} of sequence {sequence!r} of {data['case_id']!r}")
    changes = {name: value for name, value in data.items() if name not in HEAD and name != "case"}
    return {
        "sequence": sequence,
        "type": kind,
        "at_ms": moment_ms(data["at"]),
        "actor": orjson.dumps(data["actor"]).decode(),
        "note": _plain(data.get("note")),
        "reason": _plain(data.get("reason")),
        "changes": orjson.dumps(changes).decode(),
    }


def _plain(value: Any) -> Any:
    """PostgreSQL's texts hold no NUL."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _ms(text: str | None) -> int | None:
    return None if text is None else moment_ms(text)


def _stage_due(deadlines: Any) -> int | None:
    return min((moment_ms(each["at"]) for each in deadlines if each["kind"] == DeadlineKind.STAGE), default=None)

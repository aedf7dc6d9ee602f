"""What intake says, as records: fates, `sight` commands and dead letters, each a pure function of what was decided.

A successor that finds an outcome in the outbox of a dead worker says exactly the same (ARCHITECTURE.md §3).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from adapters.bus import Out
from adapters.fates import encode_fates
from config.topics import CASE_COMMANDS, FATES, REJECTED, REPORTED
from incidents.errors import BadReport
from incidents.events import COMMAND_TYPE
from incidents.places import Locate
from incidents.vocabulary import CommandType, HeldBecause, Role, Severity, State

SEVERITIES = tuple(Severity)
OURS = ("error-", "origin-")

Row = tuple[str | None, str, str, str, Sequence[int]]
"""Case, verdict, reason, version of the rules, offsets: what `encode_fates` takes."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record for the dead letters, as it stood."""

    offset: int
    error: BadReport
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True)
class Teller:
    """Makes the records of one stack."""

    namespace: str
    city_code: str
    origin: str
    locate: Locate

    def outcome(self, entry: str, outcome: dict[str, Any]) -> list[Out]:
        """One entry of the outbox: its fates first, then a `sight` command per case that a person would notice."""
        rules, partition, topic_id = outcome["rules"], outcome["partition"], outcome["topic"]
        rows = [(row[0], row[1], reason_of(row), rules, row[5]) for row in outcome["fates"]]
        head = f"sight:{topic_id}:{partition}:{entry}"
        return [self.fates(topic_id, partition, rows), *(self._sight(head, sight) for sight in outcome["sights"] or ())]

    def fates(self, topic_id: str, partition: int, rows: Sequence[Row]) -> Out:
        """A record of fates; all fates of a partition stand in one partition, in the order they were said."""
        value = encode_fates(topic_id, partition, rows)
        return Out(FATES.named(self.namespace), str(partition).encode(), value, partition=partition % FATES.partitions)

    def rejected(self, topic_id: str, partition: int, rejected: Sequence[Rejected], rules: str) -> list[Out]:
        """The dead letters of a partition and their fates."""
        by_reason: dict[str, list[int]] = defaultdict(list)
        for each in rejected:
            by_reason[each.error.reason].append(each.offset)
        rows: list[Row] = [(None, "rejected", reason, rules, sorted(offsets)) for reason, offsets in by_reason.items()]
        return [*(self._dead_letter(topic_id, partition, each) for each in rejected), self.fates(topic_id, partition, rows)]

    def _dead_letter(self, topic_id: str, partition: int, rejected: Rejected) -> Out:
        headers = (
            *(header for header in rejected.headers if not header[0].startswith(OURS)),  # an event in binary mode says half of itself there
            ("error-reason", rejected.error.reason.encode()),
            ("error-detail", rejected.error.detail[:2000].encode("utf-8", "replace")),
            ("error-stage", b"intake"),
            ("origin-topic", REPORTED.named(self.namespace).encode()),
            ("origin-topic-id", topic_id.encode()),
            ("origin-partition", str(partition).encode()),
            ("origin-offset", str(rejected.offset).encode()),
        )
        return Out(REJECTED.named(self.namespace), rejected.key, rejected.value, headers)

    def _sight(self, head: str, sight: dict[str, Any]) -> Out:
        data = sight_data(head, sight, self.locate)
        event = {
            "specversion": "1.0",
            "id": data["id"],
            "source": "/intake",
            "type": COMMAND_TYPE,
            "time": max(total["last"] for total in data["totals"].values()),
            "datacontenttype": "application/json",
            "city": self.city_code,
            "origin": self.origin,
            "data": data,
        }
        return Out(CASE_COMMANDS.named(self.namespace), sight["case"].encode(), orjson.dumps(event))


def reason_of(row: Sequence[Any]) -> str:
    """A verdict's reason in words with numbers, from a row of the outcome: case, verdict, rule, cm, ms, offsets, held n, of m.

    >>> reason_of(["QD-1", "merged", "same_place", 1240, 340_000, [7]])
    'same_place 12 m 340 s'
    >>> reason_of(["QD-1", "merged", "same_source", 90, 5_000, [7], 2, 3])
    'held 2/3 same_source 1 m 5 s'
    """
    rule = "refused_before" if row[2] == "refused" else str(row[2])
    if rule in ("opened", "held", "resent"):
        return rule
    apart, gap = round(row[3] / 100), round(row[4] / 1000)
    held = f"held {row[6]}/{row[7]} " if len(row) > 7 else ""
    return f"{held}{rule} {apart} m {gap} s"


def sight_data(command_id: str, sight: dict[str, Any], locate: Locate) -> dict[str, Any]:
    """The command `sight` of one told case: absolute totals per source, and what opens the case when this is its first.

    Only here is a place looked up, so that what joins a case costs no look.
    """
    flat = sight["totals"]
    totals = {source: _total(text) for source, text in zip(flat[::2], flat[1::2], strict=True)}
    case = sight["case"]
    data: dict[str, Any] = {
        "id": f"{command_id}:{case}",
        "case_id": case,
        "type": CommandType.SIGHT,
        "actor": {"id": "system:intake", "role": Role.SYSTEM},
        "totals": totals,
        "severity": SEVERITIES[int(sight["urgent"])],
    }
    if sight.get("opens"):
        data["opening"] = _opening(sight["opens"], locate)
    more = sight.get("more") or ()
    data["seen_evidence"] = [each for opening in more for each in opening.get("evidence", ())]
    data["statements"] = [opening["statement"] for opening in more if opening.get("statement")]
    personal = [opening["personal"] for opening in more if opening.get("personal")]
    return data | {"personal": personal} if personal else data


def _opening(opens: dict[str, Any], locate: Locate) -> dict[str, Any]:
    opening: dict[str, Any] = dict(opens["opening"])
    place = opening["place"]
    if "district" not in place:
        opening["place"] = place | locate(place["lon"], place["lat"])._asdict()
    held, link, suggested = opens.get("held"), opens.get("link"), opens.get("suggested")
    if held:
        opening |= {"state": State.HELD, "held_because": HeldBecause(held), "reason": held}
    if link:
        opening |= {"recurs" if link[0] == "recurred" else "series": link[1], "reason": link[0]}
    if suggested:
        opening["suggested"] = [suggested]
    return opening


def _total(text: str) -> dict[str, Any]:
    count, first, last, topic_id, partition, offset = text.split("|")
    began = _time(first)
    return {
        "count": int(count),
        "first": began,
        "last": began if last == first else _time(last),
        "topic_id": topic_id,
        "partition": int(partition),
        "offset": int(offset),
    }


def _time(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)

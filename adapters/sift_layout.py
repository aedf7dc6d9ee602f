"""What the atomic call keeps in Redis (adapters/sift_kept.lua), made from told cases for the rebuild, and its totals read for the audit.

The layout itself is described once, at the head of the script; the contract suite goes on sifting on a store that was filled from here.
"""

import heapq
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapters.sift import EIGHT_DAYS_S
from incidents.case import Case, Position
from incidents.catalogue import Category
from incidents.commands import SourceTotal
from incidents.events import epoch_ms
from incidents.sightings import sift_state
from incidents.steps.sifting import CASES, CROWD, cell, match_rule
from incidents.vocabulary import ENDED, Severity, State

Sighted = tuple[Case, Category]
_URGENT = {severity: at for at, severity in enumerate(Severity)}
FEW = 3
"""So many sources' totals stand with their case; of more all stand in a hash of their own."""
_CASE, _TOTAL, _MARK, _ENTRY = map(struct.Struct, ("<ddBIIdBIIiiBB", "<IdddIII", "<dd", "<iiBBd"))
_LENGTH = struct.Struct("<I")


def family_of(category: Category) -> str:
    """What a category is matched with by place and identity."""
    return category.family or category.key


def identity_of(case: Case) -> str:
    """The text of what names the thing, "" for nothing."""
    return f"{case.identity.kind}:{case.identity.value}" if case.identity else ""


def case_value(case: Case, category: Category, prefix: str) -> bytes:
    """A case as it stands, all that is told counted as told; `prefix` is that of sift's keys."""
    count = sum(total.count for total in case.totals.values())
    first, last = epoch_ms(case.first_seen), epoch_ms(case.last_seen)
    told = count, last, case.seen_after_handling, len(case.totals), 0
    place = _x(case), _y(case), case.place.known, _tight(case, category)
    moments = (str(epoch_ms(at)) if at else "" for at in (case.handled_at, case.ended_at))
    cell = prefix + _cell(case, category) if _placed(case, category) else ""
    texts = sift_state(case), *moments, case.merged_into or "", cell, family_of(category), identity_of(case)
    few = b"".join(_total(source, total) for source, total in case.totals.items()) if len(case.totals) <= FEW else b""
    return _CASE.pack(first, last, _URGENT[case.severity], count, *told, *place) + "|".join(texts).encode() + few + _LENGTH.pack(len(few))


def _total(source: str, total: SourceTotal) -> bytes:
    key, topic = source.encode(), total.topic_id.encode()
    numbers = total.count, epoch_ms(total.first), epoch_ms(total.last), total.offset, total.partition, len(topic), len(key)
    return _TOTAL.pack(*numbers) + topic + key


def more_totals(case: Case) -> dict[str, str]:
    """Source -> its total, where they do not stand with the case."""
    return {} if len(case.totals) <= FEW else {source: _text(total) for source, total in case.totals.items()}


def _text(total: SourceTotal) -> str:
    first, last = epoch_ms(total.first), epoch_ms(total.last)
    return f"{total.count}|{first}|{last}|{total.topic_id}|{total.partition}|{total.offset}"


def totals_in(value: bytes, more: Iterable[bytes]) -> Iterator[tuple[int, Position]]:
    """Of each source the number of its reports and the last one's position, from what stands with the case and what does not."""
    (length,) = _LENGTH.unpack(value[-_LENGTH.size :] or bytes(_LENGTH.size))
    few = value[len(value) - _LENGTH.size - length : -_LENGTH.size]
    while few:
        count, _, _, offset, partition, topic, source = _TOTAL.unpack_from(few)
        key = _TOTAL.size + topic
        yield count, Position(topic_id=few[_TOTAL.size : key].decode(), partition=partition, offset=int(offset))
        few = few[key + source :]
    for text in more:
        many, _, _, of, by, last = text.decode().split("|")
        yield int(many), Position(topic_id=of, partition=int(by), offset=int(last))


def places(sighted: Iterable[Sighted]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The cells of the place index, none more crowded than the script leaves them."""
    cells: dict[str, list[tuple[int, int, str, bytes]]] = defaultdict(list)
    for case, category in sighted:
        if _placed(case, category):
            rank = 0 if case.state in ENDED else 1 + _tight(case, category)
            cells[_cell(case, category)].append((rank, epoch_ms(case.last_seen), case.case_id, _entry(case, category)))
    for name, crowd in cells.items():
        yield name, {case_id: entry for _, _, case_id, entry in heapq.nlargest(CROWD, crowd)}


@dataclass
class _Mark:
    topic_id: str = ""
    offset: int = -1
    newest: int = -1
    cases: list[tuple[int, str]] = field(default_factory=list)


class Marks:
    """The marks of all sources: at the last offset in the topic as it is now, which is the one a source was last seen in."""

    def __init__(self) -> None:
        self._marks: dict[tuple[int, str], _Mark] = defaultdict(_Mark)

    def add(self, case: Case) -> None:
        """Take what a case says of its sources."""
        for source, total in case.totals.items():
            mark, last = self._marks[total.partition, source], epoch_ms(total.last)
            mark.cases.append((last, case.case_id))
            if mark.offset < total.offset if mark.topic_id == total.topic_id else mark.newest < last:
                mark.topic_id, mark.offset = total.topic_id, total.offset
            mark.newest = max(mark.newest, last)

    def values(self, seconds: int) -> Iterator[tuple[str, str, bytes]]:
        """Key below sift's prefix in the generation of this moment, source, and value; which reports came last is not known any more."""
        for (partition, source), mark in self._marks.items():
            cases = ",".join(case_id for _, case_id in heapq.nlargest(CASES, mark.cases))
            value = _MARK.pack(mark.offset, mark.newest) + f"{mark.topic_id}|{cases}|".encode()
            yield f"marks:{partition}:{seconds // EIGHT_DAYS_S}", source, value


def _entry(case: Case, category: Category) -> bytes:
    stands = 2 if case.state is State.MERGED else int(case.state in ENDED)
    handled = epoch_ms(case.handled_at) if case.handled_at else 0
    return _ENTRY.pack(_x(case), _y(case), _tight(case, category), stands, handled) + f"{case.case_id}|{identity_of(case)}".encode()


def _cell(case: Case, category: Category) -> str:
    return cell(family_of(category), category.radius_m * 100, _x(case), _y(case))


def _placed(case: Case, category: Category) -> bool:
    return match_rule(category).by_place and case.place.known


def _tight(case: Case, category: Category) -> bool:
    return case.place.accuracy_m * 2 <= category.radius_m


def _x(case: Case) -> int:
    return round(case.place.lon * 1e7)


def _y(case: Case) -> int:
    return round(case.place.lat * 1e7)

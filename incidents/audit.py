"""The tally: which verdict fell on which report, from the records of `incidents.fates` alone.

The audit builds one over the whole topic and balances it against the log; the console feeds one as the records come. It trusts nobody:
the same word twice is counted once, another word on the same report is a conflict, a report without a word is lost. Records may come in
any order and any number of times.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from incidents.decision import Verdict
from incidents.fates import Fate, Flush

PAGE = 1 << 16
PAGES_LIVE = 4  # of a partition: 262,144 reports, far more than intake ever repeats after a crash
CONFLICTS_SHOWN = 20
NUMBERS: dict[Verdict, int] = {verdict: number for number, verdict in enumerate((v for v in Verdict if v is not Verdict.ALREADY), start=1)}
VERDICTS = {number: verdict for verdict, number in NUMBERS.items()}
BITS = 4
CASE_MASK = (1 << 60) - 1
REFUSED = (Verdict.REJECTED, Verdict.FAILED)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One report on which two different words were said."""

    partition: int
    offset: int
    first: str
    later: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.partition}:{self.offset} first {self.first}, later {self.later}"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a partition's log: offsets from `begin` up to, not including, `end`."""

    begin: int
    end: int


class Tally:
    """Verdicts by offset of one incarnation of `incidents.reported`; 8 bytes a report.

    `pages` bounds what is remembered for live use: that many pages of 65,536 offsets per partition, the newest; what is said of older
    reports is passed over then. None remembers all, which the audit needs.
    """

    def __init__(self, topic_id: str, pages: int | None = PAGES_LIVE) -> None:
        self.topic_id = topic_id
        self.conflicts: list[Conflict] = []
        self.conflict_count = 0
        self._pages = pages
        self._told: dict[int, dict[int, array[int]]] = defaultdict(dict)
        self._floor: dict[int, int] = defaultdict(int)
        self._names: dict[int, str] = {}
        self._counts: Counter[Verdict] = Counter()

    def add_fates(self, flush: Flush) -> None:
        """Count what a record says; a record about another incarnation of the topic is passed over."""
        if flush.topic_id == self.topic_id:
            for fate in flush.fates:
                self._counts[fate.verdict] += self._tell(flush.partition, fate)

    def counts(self) -> dict[Verdict, int]:
        """Reports by verdict over everything said so far, every verdict named."""
        return {verdict: self._counts[verdict] for verdict in NUMBERS}

    def _tell(self, partition: int, fate: Fate) -> int:
        code = self._code(fate)
        fresh, number, page = 0, -1, None
        for offset in fate.offsets:
            if offset >> 16 != number:
                number = offset >> 16
                page = self._page(partition, number)
            if page is None:
                continue
            told = page[offset & 0xFFFF]
            if not told:
                page[offset & 0xFFFF] = code
                fresh += 1
            elif told != code:
                self._conflict(partition, offset, told, code)
        return fresh

    def _code(self, fate: Fate) -> int:
        number = NUMBERS[fate.verdict]
        if fate.case_id is None:
            return number
        code = (hash(fate.case_id) & CASE_MASK) << BITS | number
        if self._pages is None:
            self._names[code >> BITS] = fate.case_id
        return code

    def _page(self, partition: int, number: int) -> "array[int] | None":
        pages = self._told[partition]
        if number in pages:
            return pages[number]
        if number < self._floor[partition]:
            return None
        page = pages[number] = array("Q", bytes(8 * PAGE))
        if self._pages is not None and number - self._pages + 1 > self._floor[partition]:
            self._floor[partition] = number - self._pages + 1
            for old in [each for each in pages if each < self._floor[partition]]:
                del pages[old]
        return page

    def _conflict(self, partition: int, offset: int, told: int, code: int) -> None:
        self.conflict_count += 1
        if len(self.conflicts) < CONFLICTS_SHOWN:
            self.conflicts.append(Conflict(partition, offset, self._word(told), self._word(code)))

    def _word(self, code: int) -> str:
        case_id = self._names.get(code >> BITS, "another case") if code >> BITS else "no case"
        return f"{VERDICTS[code & 15]} ({case_id})"

    def partitions(self) -> frozenset[int]:
        """The partitions of which anything was said."""
        return frozenset(self._told)

    def at(self, partition: int, offset: int) -> tuple[str | None, Verdict] | None:
        """Case and verdict of one report, None when nothing was said of it; only with all pages remembered."""
        page = self._told.get(partition, {}).get(offset >> 16)
        code = page[offset & 0xFFFF] if page else 0
        return (self._names.get(code >> BITS), VERDICTS[code & 15]) if code else None

    def between(self, partition: int, span: Span) -> Counter[tuple[str | None, Verdict]]:
        """Reports by case and verdict within the span; only with all pages remembered."""
        codes: Counter[int] = Counter()
        for _, part in self._parts(partition, span):
            codes.update(part)
        return Counter({(self._names.get(code >> BITS), VERDICTS[code & 15]): count for code, count in codes.items() if code})

    def untold(self, partition: int, span: Span) -> tuple[int, list[int]]:
        """How many offsets within the span nothing was said of, and the first few of them."""
        seen, expected = 0, span.begin
        first: list[int] = []
        for begin, part in self._parts(partition, span):
            first += range(expected, begin)[:CONFLICTS_SHOWN]
            first += _zeros(part, begin) if 0 in part else []
            seen += len(part) - part.count(0)
            expected = begin + len(part)
        first += range(expected, span.end)[:CONFLICTS_SHOWN]
        return max(0, span.end - span.begin) - seen, first[:CONFLICTS_SHOWN]

    def refused(self, partition: int, span: Span) -> Iterator[int]:
        """The offsets within the span that must be on the dead letters."""
        codes = {NUMBERS[verdict] for verdict in REFUSED}
        for begin, part in self._parts(partition, span):
            yield from (offset for offset, code in enumerate(part, begin) if code & 15 in codes)

    def _parts(self, partition: int, span: Span) -> Iterator[tuple[int, "array[int]"]]:
        for number, page in sorted(self._told.get(partition, {}).items()):
            begin, end = max(span.begin, number * PAGE), min(span.end, (number + 1) * PAGE)
            if begin < end:
                yield begin, page[begin - number * PAGE : end - number * PAGE]


def _zeros(part: "array[int]", begin: int) -> Sequence[int]:
    found: list[int] = []
    at = -1
    while len(found) < CONFLICTS_SHOWN and 0 in part[at + 1 :]:
        at = part.index(0, at + 1)
        found.append(begin + at)
    return found


@dataclass(frozen=True, slots=True)
class Cut:
    """One partition as the audit takes it: where its log starts, up to where intake has committed, where the log ends now."""

    start: int
    committed: int
    end: int

    @property
    def judged(self) -> Span:
        """The reports that must have a verdict."""
        return Span(self.start, max(self.start, self.committed))


@dataclass(frozen=True)
class Account:
    """What became of every report below the cut. `reported` includes reports that left the log unread and were told as lost."""

    reported: int
    verdicts: Mapping[Verdict, int]
    untold: int
    untold_first: tuple[str, ...]
    pending: int
    cases: Mapping[tuple[str | None, Verdict], int] = field(repr=False)

    @property
    def rejected(self) -> int:
        """Rejected at validation or failed in the call: both are on the dead letters."""
        return sum(self.verdicts[verdict] for verdict in REFUSED)

    @property
    def lost(self) -> int:
        """Told as lost, and not told at all."""
        return self.verdicts[Verdict.LOST] + self.untold

    def as_dict(self) -> dict[str, int]:
        """The line of the audit: `reported = opened + merged + held + resent + rejected + lost`."""
        kept = {str(v): self.verdicts[v] for v in (Verdict.OPENED, Verdict.MERGED, Verdict.HELD, Verdict.RESENT)}
        return {"reported": self.reported, **kept, "rejected": self.rejected, "lost": self.lost, "pending": self.pending}


def balance(tally: Tally, cuts: Mapping[int, Cut]) -> dict[int, Account]:
    """The account of every partition. The tally must remember all pages."""
    return {partition: _account(tally, partition, cut) for partition, cut in sorted(cuts.items())}


def _account(tally: Tally, partition: int, cut: Cut) -> Account:
    gone = {key: n for key, n in tally.between(partition, Span(0, cut.start)).items() if key[1] is Verdict.LOST}
    cases = tally.between(partition, cut.judged)
    cases.update(gone)
    verdicts: Counter[Verdict] = Counter()
    for (_, verdict), count in cases.items():
        verdicts[verdict] += count
    untold, first = tally.untold(partition, cut.judged)
    reported = cut.judged.end - cut.judged.begin + sum(gone.values())
    pending = max(0, cut.end - cut.judged.end)
    return Account(reported, {v: verdicts[v] for v in NUMBERS}, untold, tuple(f"{partition}:{offset}" for offset in first), pending, cases)


def together(accounts: Mapping[int, Account]) -> Account:
    """The account of all partitions."""
    cases: Counter[tuple[str | None, Verdict]] = Counter()
    for account in accounts.values():
        cases.update(account.cases)
    parts = accounts.values()
    return Account(
        reported=sum(part.reported for part in parts),
        verdicts={verdict: sum(part.verdicts[verdict] for part in parts) for verdict in NUMBERS},
        untold=sum(part.untold for part in parts),
        untold_first=tuple(where for part in parts for where in part.untold_first)[:CONFLICTS_SHOWN],
        pending=sum(part.pending for part in parts),
        cases=cases,
    )

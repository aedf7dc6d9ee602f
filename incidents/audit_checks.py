"""The cross-checks of the audit: what intake said against the facts, the dead letters and the totals of the cases.

Each check is a pure function over what was read, and says in one line what it compared or what is wrong; `incidents.audit` does the sum.
Cases that only reports beyond the cut explain are left for the next audit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from incidents.audit import Account, Cut, Span, Tally
from incidents.case import Position
from incidents.decision import Verdict
from incidents.factbook import FactBook
from incidents.vocabulary import State

SHOWN = 5
OPENERS = (Verdict.OPENED, Verdict.HELD)
COUNTED = (Verdict.OPENED, Verdict.MERGED, Verdict.HELD)
EVERYTHING = Span(0, 1 << 62)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison; `detail` says what was compared, or the first things that differ."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What a case counts itself, and the last position of each of its sources."""

    count: int
    positions: tuple[Position, ...]
    sequence: int = 0


@dataclass(frozen=True)
class Findings:
    """All that was read. `tallies` by topic id; `latest` from `cases.latest`; `seen` from the hot store, None when it does not answer;
    `early` counts, by case, the sightings whose fates were said before the hot store was last filled anew: no others can be lost with it.
    """

    topic_id: str
    cuts: Mapping[int, Cut]
    tallies: Mapping[str, Tally]
    book: FactBook
    dead: frozenset[tuple[int, int]]
    latest: Mapping[str, Totals]
    seen: Mapping[str, Totals] | None
    early: Mapping[str, int]
    faults: Sequence[str]

    @property
    def tally(self) -> Tally:
        """The one of the topic as it is now."""
        return self.tallies[self.topic_id]

    def undecided(self, positions: Iterable[Position]) -> bool:
        """Whether any of a case's positions lies outside of what this audit judges."""
        return any(self._outside(position) for position in positions)

    def _outside(self, at: Position) -> bool:
        cut = self.cuts.get(at.partition)
        return at.topic_id != self.topic_id or cut is None or not cut.judged.begin <= at.offset < cut.judged.end


@dataclass(frozen=True)
class Result:
    """The checks, and two figures beside the sum: held reports that were released, counted sightings that a rebuild may have cost."""

    checks: tuple[Check, ...]
    released: int
    untold_lost: int


def examine(findings: Findings, account: Account) -> Result:
    """All checks over what was read; the audit is exact when every one is ok."""
    fated = _said(findings.tallies.values())
    totals, untold_lost = _totals(findings, fated)
    released = sum(n for (case, verdict), n in account.cases.items() if verdict is Verdict.HELD and _released(findings.book, case))
    checks = (
        _verdict("readable", findings.faults, "every record could be read"),
        _verdict("one_verdict", map(str, findings.tally.conflicts), "no report was given two verdicts", findings.tally.conflict_count),
        _all_told(account),
        _sum(account),
        _opened(findings, account, fated),
        _first_states(findings, account),
        _dead_letters(findings),
        _sequences(findings.book),
        _latest(findings),
        totals,
    )
    return Result(checks, released, untold_lost)


def _verdict(name: str, wrong: Iterable[str], fine: str, count: int | None = None) -> Check:
    found = list(wrong)
    if not found:
        return Check(name, True, fine)
    more = f" and {(count or len(found)) - SHOWN} more" if (count or len(found)) > SHOWN else ""
    return Check(name, False, "; ".join(found[:SHOWN]) + more)


def _all_told(account: Account) -> Check:
    lost = account.verdicts[Verdict.LOST]
    if not account.lost:
        return Check("all_told", True, f"{account.reported} reports, each with one verdict")
    told = f"; {lost} told as lost" if lost else ""
    return Check("all_told", False, f"{account.untold} reports without a verdict: {', '.join(account.untold_first)}{told}")


def _sum(account: Account) -> Check:
    line = account.as_dict()
    parts = [line[name] for name in ("opened", "merged", "held", "resent", "rejected")]
    detail = f"{line['reported']} {'=' if line['reported'] == sum(parts) else '≠'} {' + '.join(map(str, parts))}"
    return Check("sum", line["reported"] == sum(parts), detail)


def counted(tallies: Iterable[Tally]) -> Counter[str]:
    """Sightings that the fates gave each case, over all incarnations of the topic."""
    given: Counter[str] = Counter()
    for (case, verdict), count in _said(tallies).items():
        given[case] += count if verdict in COUNTED else 0
    return given


def _said(tallies: Iterable[Tally]) -> Counter[tuple[str, Verdict]]:
    """Reports by case and verdict over everything ever said, also beyond the cut and of former incarnations of the topic."""
    found: Counter[tuple[str, Verdict]] = Counter()
    for tally in tallies:
        for partition in tally.partitions():
            found.update({(c, v): n for (c, v), n in tally.between(partition, EVERYTHING).items() if c is not None})
    return found


def _opened(findings: Findings, account: Account, fated: Mapping[tuple[str, Verdict], int]) -> Check:
    below = {case for (case, verdict) in account.cases if case and verdict in OPENERS}
    ever = {case for (case, verdict) in fated if verdict in OPENERS}
    stories = findings.book.stories
    told = {case for case, story in stories.items() if story.opened}
    wrong = [f"{case} has a fate and no fact" for case in sorted(below - told)]
    wrong += [f"{case} has a fact and no fate" for case in sorted(told - ever) if not findings.undecided(stories[case].first_said)]
    wrong += [f"{case} was opened by {n} reports" for (case, verdict), n in fated.items() if verdict is Verdict.OPENED and n > 1]
    return _verdict("opened", wrong, f"{len(below)} cases in the fates and in the facts")


def _first_states(findings: Findings, account: Account) -> Check:
    opened = {case for (case, verdict) in account.cases if verdict is Verdict.OPENED}
    held = {case for (case, verdict) in account.cases if verdict is Verdict.HELD} - opened
    stories = findings.book.stories
    wrong = [f"{c} was opened, its facts begin as held" for c in opened if c in stories and stories[c].first_state == State.HELD]
    wrong += [f"{c} was held, its facts begin as {stories[c].first_state}" for c in held if c in stories and _never_held(findings, c)]
    return _verdict("first_state", sorted(wrong), f"{len(opened)} opened, {len(held)} held")


def _never_held(findings: Findings, case: str) -> bool:
    story = findings.book.stories[case]
    return story.first_state not in ("", State.HELD) and not findings.undecided(story.first_said)


def _dead_letters(findings: Findings) -> Check:
    fated = {(partition, offset) for partition, cut in findings.cuts.items() for offset in findings.tally.refused(partition, cut.judged)}
    judged = {p: cut.judged for p, cut in findings.cuts.items()}
    dead = {(p, offset) for p, offset in findings.dead if p in judged and judged[p].begin <= offset < judged[p].end}
    wrong = [f"{p}:{offset} was rejected and is not on the dead letters" for p, offset in sorted(fated - dead)]
    wrong += [f"{p}:{offset} is on the dead letters and was not rejected" for p, offset in sorted(dead - fated)]
    return _verdict("dead_letters", wrong, f"{len(fated)} rejected, each on the dead letters")


def _sequences(book: FactBook) -> Check:
    wrong = [f"gap: {gap}" for gap in book.gaps()] + [f"fork: {fork}" for fork in book.forks]
    wrong += [f"order: {each}" for each in book.disorder]
    facts = sum(story.sequence for story in book.stories.values())
    return _verdict("sequences", wrong, f"{facts} facts of {len(book.stories)} cases, 1, 2, 3 … in each")


def _latest(findings: Findings) -> Check:
    stories = findings.book.stories
    told = {case: stories[case].sequence if case in stories else 0 for case in findings.latest}
    wrong = [f"{c} stands at {t.sequence}, its facts end at {told[c]}" for c, t in findings.latest.items() if t.sequence > told[c]]
    return _verdict("latest", sorted(wrong), f"{len(findings.latest)} cases stand where their facts end")


def _totals(findings: Findings, fated: Counter[tuple[str, Verdict]]) -> tuple[Check, int]:
    """Every case whose opening is in the fates, its own count against what the fates gave it."""
    given = counted(findings.tallies.values())
    born = {case for (case, verdict) in fated if verdict in OPENERS}
    if findings.seen is None:
        more = [(case, t) for case, t in _both(born, findings.latest) if t.count > given[case] and not findings.undecided(t.positions)]
        wrong = [_differs(case, t.count, given[case]) for case, t in more]
        return _verdict("totals", wrong, f"{len(born)} cases, none counts more than it was told (the hot store does not answer)"), 0
    wrong, untold = [], 0
    for case, total in _both(born, findings.seen):
        short = given[case] - total.count
        if 0 < short <= findings.early.get(case, 0):
            untold += short
        elif total.count != given[case] and not (total.count > given[case] and findings.undecided(total.positions)):
            wrong.append(_differs(case, total.count, given[case]))
    gone = [case for case in sorted(born - findings.seen.keys()) if case in findings.book.stories]
    wrong += [f"{case} is open and not in the hot store" for case in gone if not findings.book.stories[case].ended]
    lost = f", {untold} sightings counted and lost with the hot store before they were told" if untold else ""
    return _verdict("totals", wrong, f"{len(born)} cases count what the fates gave them{lost}"), untold


def _both(born: Iterable[str], totals: Mapping[str, Totals]) -> list[tuple[str, Totals]]:
    return [(case, totals[case]) for case in sorted(born) if case in totals]


def _differs(case: str, count: int, given: int) -> str:
    return f"{case} counts {count}, the fates gave it {given}"


def _released(book: FactBook, case: str | None) -> bool:
    return case is not None and case in book.stories and book.stories[case].released

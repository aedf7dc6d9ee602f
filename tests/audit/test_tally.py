"""The pure tally: independent of order and repetition, and blind to nothing."""

from hypothesis import given
from hypothesis import strategies as st

from incidents.audit import PAGE, Cut, Span, Tally, balance, together
from incidents.decision import Verdict
from incidents.fates import Fate, Flush

TOLD = [verdict for verdict in Verdict if verdict not in (Verdict.ALREADY, Verdict.LOST)]
WORDS = st.tuples(st.sampled_from(["QD-1", "QD-2", None]), st.sampled_from(TOLD))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Flush], int, int]:
    """Flushes that tile the offsets from `begin` to `end` of partition 0, in some order, some of them said twice."""
    begin = draw(st.sampled_from([0, 5, PAGE - 3, 10 * PAGE - 20]))
    words = draw(st.lists(st.tuples(WORDS, st.integers(0, 3)), min_size=1, max_size=60))
    flushes = []
    for number in range(4):
        groups: dict[tuple[str | None, Verdict], list[int]] = {}
        for offset, (word, flush) in enumerate(words, begin):
            if flush == number:
                groups.setdefault(word, []).append(offset)
        flushes.append(Flush("T", 0, tuple(Fate(case, verdict, "", "r1", offsets) for (case, verdict), offsets in groups.items())))
    again = draw(st.lists(st.sampled_from(flushes), max_size=4))
    return draw(st.permutations(flushes + again)), begin, begin + len(words)


def tally(flushes: list[Flush]) -> Tally:
    """All of them, everything remembered."""
    made = Tally("T", pages=None)
    for flush in flushes:
        made.add_fates(flush)
    return made


def without(flush: Flush, offset: int) -> Flush:
    """The same record with one report left out."""
    fates = [fate._replace(offsets=[each for each in fate.offsets if each != offset]) for fate in flush.fates]
    return Flush(flush.topic_id, flush.partition, tuple(fate for fate in fates if fate.offsets))


@given(histories())
def test_any_order_and_any_repetition_gives_the_same_account(history: tuple[list[Flush], int, int]) -> None:
    flushes, begin, end = history
    cuts = {0: Cut(begin, end, end)}
    account = balance(tally(flushes), cuts)[0]
    assert account == balance(tally(list(reversed(flushes))), cuts)[0]
    assert (account.reported, account.lost, sum(account.verdicts.values())) == (end - begin, 0, end - begin)
    assert not tally(flushes).conflicts


@given(histories(), st.data())
def test_a_report_that_nothing_was_said_of_is_found(history: tuple[list[Flush], int, int], data: st.DataObject) -> None:
    flushes, begin, end = history
    gone = data.draw(st.integers(begin, end - 1))
    account = balance(tally([without(flush, gone) for flush in flushes]), {0: Cut(begin, end, end)})[0]
    assert (account.lost, account.untold_first) == (1, (f"0:{gone}",))


@given(histories())
def test_the_live_tally_counts_like_the_whole_one(history: tuple[list[Flush], int, int]) -> None:
    flushes, _, _ = history
    live = Tally("T")
    for flush in flushes:
        live.add_fates(flush)
    assert live.counts() == tally(flushes).counts()


def said(case: str | None, verdict: Verdict, *offsets: int) -> Flush:
    """One fate on partition 0."""
    return Flush("T", 0, (Fate(case, verdict, "", "r1", offsets),))


def test_another_verdict_or_another_case_on_the_same_report_is_a_conflict() -> None:
    made = tally([said("QD-1", Verdict.OPENED, 3), said("QD-1", Verdict.MERGED, 3), said("QD-2", Verdict.OPENED, 3)])
    assert [str(conflict) for conflict in made.conflicts] == [
        "0:3 first opened (QD-1), later merged (QD-1)",
        "0:3 first opened (QD-1), later opened (QD-2)",
    ]
    assert made.counts()[Verdict.OPENED] == 1


def test_what_was_said_of_a_former_incarnation_of_the_topic_is_not_of_this_one() -> None:
    made = Tally("new", pages=None)
    made.add_fates(said("QD-1", Verdict.OPENED, 3))
    assert made.counts()[Verdict.OPENED] == 0


def test_reports_beyond_the_cut_are_pending_whatever_was_said_of_them() -> None:
    account = balance(tally([said("QD-1", Verdict.OPENED, 0, 1, 2)]), {0: Cut(0, 2, 5)})[0]
    assert (account.reported, account.verdicts[Verdict.OPENED], account.pending) == (2, 2, 3)


def test_reports_that_left_the_log_unread_are_lost_even_when_the_log_begins_behind_them() -> None:
    flushes = [said(None, Verdict.LOST, *range(4)), said("QD-1", Verdict.OPENED, 4, 5)]
    account = together(balance(tally(flushes), {0: Cut(4, 6, 6)}))
    assert (account.reported, account.lost, account.verdicts[Verdict.OPENED]) == (6, 4, 2)


def test_the_live_tally_forgets_old_pages_and_stays_small() -> None:
    live = Tally("T", pages=2)
    for number in range(10):
        live.add_fates(said("QD-1", Verdict.MERGED, number * PAGE))
    live.add_fates(said("QD-1", Verdict.MERGED, 0))
    assert live.counts()[Verdict.MERGED] == 10
    assert live.untold(0, Span(0, 10 * PAGE))[0] == 10 * PAGE - 2

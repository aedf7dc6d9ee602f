"""A published week of a large city (Zhengzhou, from 2019-04-08) counted by this code: six rates, from cases that the real closure told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from incidents.indicators import Dimension, Line, figures, tally
from incidents.periods import period
from tests.evaluation.stories import begun, close, counted, evaluation, extend, filed, handling, rework

MONDAY = datetime(2019, 4, 8, 1, tzinfo=UTC)
BEFORE = MONDAY - timedelta(hours=11)  # Sunday at 22:00 local: due on Monday at 02:00
SUNDAY_EVENING = datetime(2019, 4, 14, 15, tzinfo=UTC)
WEEK = period("2019-W15")
END_MS = round(datetime(2019, 4, 14, 16, tzinfo=UTC).timestamp() * 1000)
HOURS = timedelta(hours=5)


def week() -> Iterator[Line]:
    """All cases of the week: those reported in it, and those from before that came due in it."""
    refused = begun(MONDAY)
    refused.must("not_file", "shift_lead", reason="no")
    return chain(
        repeat(counted(refused), 342),
        repeat(counted(close(handling(MONDAY))), 40_394 - 276 - 104),
        repeat(counted(close(rework(handling(MONDAY)))), 276),
        repeat(counted(close(extend(handling(MONDAY)), HOURS)), 104),
        repeat(counted(handling(MONDAY)), 7_757),  # overdue and open
        repeat(counted(handling(SUNDAY_EVENING)), 1_000),  # not due when the week ends
        repeat(counted(filed(SUNDAY_EVENING)), 2_078),  # not dispatched, nor due
        repeat(counted(close(handling(BEFORE), HOURS)), 3_129),  # from the week before, closed late
        repeat(counted(handling(BEFORE)), 1_154),  # from the week before, still open
    )


def test_the_published_week_comes_out_to_the_hundredth_of_a_percent() -> None:
    counts = tally(week(), WEEK, END_MS, (Dimension.CITY,))
    found = {each.indicator.key: each.raw for each in figures(evaluation().indicators, counts, Dimension.CITY)}
    assert found["reports"].numerator == 51_571
    published = {
        "filing_rate": (51_229, 51_571, 0.9934),
        "dispatch_rate": (49_151, 51_229, 0.9594),
        "closure_rate": (43_523, 52_434, 0.8301),
        "on_time_closure_rate": (40_394, 52_434, 0.7704),
        "rework_rate": (276, 52_434, 0.0053),
        "extension_rate": (104, 52_434, 0.0020),
    }
    for key, (numerator, denominator, rate) in published.items():
        share = found[key]
        assert (share.numerator, share.denominator, round(share.rate or 0, 4)) == (numerator, denominator, rate), key
    assert found["due_and_open"].numerator == 8_911

"""What the soak and the whole-city run judge by: when a series grows, how far behind a group is, what a histogram says."""

import random

import pytest

from benchmarks.flatness import trend
from benchmarks.soak import SOAK, Run, verdicts
from benchmarks.watching import Log, quantile
from config.settings import load_settings

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        ([100.0] * 60, False),
        ([100.0 + at % 5 for at in range(60)], False),  # saw teeth
        ([100.0 + 20 * random.Random(at).random() for at in range(60)], False),  # noise
        ([160.0 - at for at in range(60)], False),  # falls
        ([100.0 + at * 0.05 for at in range(60)], False),  # steady, and less than tolerable
        ([100.0 + at for at in range(60)], True),
        ([100.0 + at + 10 * (at % 3) for at in range(60)], True),  # under saw teeth
    ],
)
def test_a_series_grows_when_its_rise_is_large_and_steady(values: list[float], grows: bool) -> None:
    assert trend([5.0 * at for at in range(60)], values, 4.0).grows is grows


def test_a_trend_is_told_per_hour_and_needs_a_dozen_values() -> None:
    assert trend(list(range(0, 3600, 60)), [float(at) for at in range(60)], 1.0).per_hour == pytest.approx(60)
    with pytest.raises(ValueError, match="12 at least"):
        trend([0.0], [1.0], 1.0)


@pytest.mark.parametrize(("offset", "seconds", "records"), [(300, 0.0, 0), (400, 0.0, 0), (250, 0.5, 50), (100, 2.0, 200), (0, 2.0, 300)])
def test_a_group_is_as_far_behind_as_its_offset_was_the_end_ago(offset: int, seconds: float, records: int) -> None:
    log = Log()
    for at_s, end in ((0.0, 100), (1.0, 200), (2.0, 300)):
        log.note(at_s, {0: end})
    assert log.behind(0, offset) == (seconds, records)


def test_a_group_that_stands_still_falls_behind_by_a_second_a_second() -> None:
    log = Log()
    for at in range(20):
        log.note(float(at), {0: 100 * at})
    assert log.behind(0, 500)[0] == pytest.approx(14.0)


@pytest.mark.parametrize(("share", "value"), [(0.5, 0.1), (0.75, 0.55), (0.99, 0.982), (1.0, 1.0)])
def test_a_quantile_lies_within_its_bucket(share: float, value: float) -> None:
    before, after = {0.1: 7.0, 1.0: 7.0, INFINITE: 7.0}, {0.1: 57.0, 1.0: 107.0, INFINITE: 107.0}
    assert quantile(before, after, share) == pytest.approx(value)


def test_what_was_never_observed_has_no_quantile() -> None:
    assert quantile({}, {0.1: 0.0, INFINITE: 0.0}, 0.5) is None


def test_a_soak_that_was_ended_early_is_not_kept_and_says_why() -> None:
    run = Run(SOAK, load_settings(), {})
    assert verdicts(run) == [
        {"what": "measured long enough to see whether anything grows", "fine": False, "samples": 0, "least": 12},
    ]

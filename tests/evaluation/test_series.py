"""A day's cases of Qingdao give more than ten thousand live series, each with its rule; a month of them is counted in minutes."""

import time

from adapters.evaluation_store import Counting
from adapters.recount import Fold
from benchmarks.evaluation import MONTH, story
from config.load import load_city
from config.settings import Settings
from incidents.indicators import Dimension, figures, tally
from tests.evaluation.stories import evaluation
from tests.evaluation.test_incremental import recounted

AT_MS = 1 << 50


def test_qingdao_has_more_than_ten_thousand_live_series() -> None:
    city = load_city(Settings(city="qingdao"))
    log = [value.replace(b"AAAAAAAAAA", f"{number:010d}".encode()) for number in range(1_000) for value in story(city, number)]
    counts = tally(recounted(log, AT_MS), MONTH, AT_MS)
    live = [each for dimension in Dimension for each in figures(evaluation().indicators, counts, dimension) if each.is_live]
    assert len({(each.indicator.key, each.dimension, each.value) for each in live}) == len(live) > 10_000
    assert all(each.as_dict()["rule"] for each in live)


def test_a_month_is_recomputed_in_minutes() -> None:
    """By CPU time, of which parsing and folding is nearly all; `python -m benchmarks.evaluation --cases 420000` measures the whole."""
    city = load_city(Settings(city="qingdao"))
    stories = [story(city, number) for number in range(200)]
    log = [value.replace(b"AAAAAAAAAA", f"{number:010d}".encode()) for number in range(1_000) for value in stories[number % 200]]
    fold, began = Fold(Counting.of(city), AT_MS), time.process_time()
    for value in log:
        fold.take(value)
    seconds = (time.process_time() - began) / fold.facts * 14_000 * 30 * 10
    assert seconds / 2 < 1200, f"{seconds:.0f} CPU seconds for a month"

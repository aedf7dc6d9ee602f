"""What an engine has told: of ours every report once, however often its fate was said."""

from typing import Any

import orjson

from adapters.fates import encode_fates
from adapters.follow import ConsumerRecord
from benchmarks.progress import Told


def record(value: bytes, at_ms: int) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("out", 0, 0, at_ms, 0, None, value, None, 0, len(value), ())


def test_a_fate_told_by_both_workers_of_a_hand_over_counts_once() -> None:
    told = Told(ours=True)
    fates = encode_fates("T", 3, [("QD-1", "opened", "opened", "r1", [7]), ("QD-1", "merged", "same_source 0 m 1 s", "r1", [8, 9])])
    elsewhere = encode_fates("T", 4, [("QD-1", "merged", "same_place 1 m 2 s", "r1", [7])])
    told.take([record(fates, 1_000), record(fates, 1_500), record(elsewhere, 2_000)])
    assert (told.n, told.cases, told.last_opening_ms, told.last_ms) == (4, {"QD-1"}, 1_000, 2_000)


def test_a_peer_s_numbers_are_taken_as_they_are_said() -> None:
    told = Told(ours=False)
    update = orjson.dumps({"case": "1", "n": 3, "last": 5})
    told.take([record(update, 1_000), record(update, 2_000)])
    assert told.n == 6

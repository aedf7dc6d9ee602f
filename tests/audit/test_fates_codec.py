"""The bytes of incidents.fates."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fates import decode_fates, encode_fates, encode_rebuilt
from incidents.decision import Verdict
from incidents.fates import BadFates, Fate, Flush, Rebuilt

OFFSETS = st.sets(st.integers(0, 1 << 40), min_size=1, max_size=50).map(lambda found: tuple(sorted(found)))
TOLD = st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.ALREADY])
FATES = st.lists(st.builds(Fate, st.none() | st.text(max_size=20), TOLD, st.text(max_size=20), st.text(max_size=5), OFFSETS), max_size=5)


@given(st.text(max_size=30), st.integers(0, 100), FATES)
def test_what_is_encoded_is_decoded_again(topic_id: str, partition: int, fates: list[Fate]) -> None:
    assert decode_fates(encode_fates(topic_id, partition, fates)) == Flush(topic_id, partition, tuple(fates))


def test_offsets_travel_as_the_first_and_the_steps() -> None:
    value = encode_fates("T", 3, [Fate("QD-1", Verdict.MERGED, "same_source", "r1", (1_000_000, 1_000_001, 1_000_005))])
    assert orjson.loads(value) == {"topic_id": "T", "partition": 3, "fates": [["QD-1", "merged", "same_source", "r1", [1_000_000, 1, 4]]]}


def test_the_note_of_a_rebuild_is_told_apart() -> None:
    at = datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert decode_fates(encode_rebuilt(at)) == Rebuilt(at)


@pytest.mark.parametrize("offsets", [[], [3, 3], [3, 2], [-1]])
def test_offsets_that_do_not_ascend_are_a_bug_of_the_writer(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        encode_fates("T", 0, [(None, "rejected", "not_json", "r1", offsets)])


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"{",
        b'{"topic_id":"T","partition":0}',
        b'{"topic_id":"T","partition":0,"fates":[[null,"already","","",[1]]]}',
        b'{"topic_id":"T","partition":0,"fates":[[null,"merged","","",[1,0]]]}',
        b'{"topic_id":"T","partition":0,"fates":[[null,"merged","","",[]]]}',
        b'{"rebuilt":"yesterday"}',
    ],
)
def test_anything_else_is_no_record_of_fates(value: bytes | None) -> None:
    with pytest.raises(BadFates):
        decode_fates(value)

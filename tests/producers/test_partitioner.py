"""A source stands in the partition where every Kafka client would put it."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from adapters.bus import hashed, partition_of


@given(st.lists(st.binary(max_size=80), min_size=1), st.integers(1, 64))
def test_a_remembered_partition_is_the_one_that_kafka_python_chooses(keys: list[bytes], count: int) -> None:
    few = hashed(2)
    for key in keys * 2:
        chosen = (int(murmur2(key)) & 0x7FFFFFFF) % count
        assert few(key) % count == partition_of(key, count) == chosen

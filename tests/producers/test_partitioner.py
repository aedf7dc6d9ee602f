"""A source stands in the partition where every Kafka client would put it."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from adapters.bus import hashed, partition_of


@given(st.lists(st.binary(max_size=80), min_size=1), st.integers(1, 64))
def test_a_remembered_partition_is_the_one_of_the_default(keys: list[bytes], count: int) -> None:
    numbers, few = set(range(count)), hashed(2)
    cluster = SimpleNamespace(
        topics=lambda: {"t"}, partitions_for_topic=lambda topic: numbers, available_partitions_for_topic=lambda topic: numbers
    )
    for key in keys * 2:
        assert few(key) % count == partition_of(key, count) == DefaultPartitioner().partition("t", key, key, b"", b"", cluster)

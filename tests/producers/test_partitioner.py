"""A source stands in the partition where every Kafka client would put it."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from adapters.producer import RememberingPartitioner


@given(st.binary(max_size=80), st.integers(1, 64))
def test_a_remembered_partition_is_the_one_of_the_default(key: bytes, count: int) -> None:
    numbers = set(range(count))
    cluster = SimpleNamespace(
        topics=lambda: {"t"}, partitions_for_topic=lambda topic: numbers, available_partitions_for_topic=lambda topic: numbers
    )
    asked = ("t", key, key, b"", b"", cluster)
    assert RememberingPartitioner().partition(*asked) == DefaultPartitioner().partition(*asked)

"""Reads what the client's fast parser gives up on: a header whose name is not UTF-8.

The broker takes any bytes for a name, and one such record would stop its partition for ever. So `adapters.consumer` changes to this slow
parser (aiokafka's own in Python, with a forgiving decode) when it meets one, for the rest of the process; bad bytes come out as U+FFFD.
"""

from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

NEWEST = 2  # the magic byte of record batches that have headers


class _Text(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "replace")


class _Buffer(bytearray):
    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        found = super().__getitem__(at)
        return _Text(found) if isinstance(found, bytearray) else found


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    def _maybe_uncompress(self) -> None:
        if not self._decompressed:
            super()._maybe_uncompress()
            self._buffer: bytearray = _Buffer(self._buffer)


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka ships no types
    def next_batch(self) -> Any:
        batch = self._next_slice
        if batch is None or len(batch) < self.MIN_SLICE or batch[self.MAGIC_OFFSET] < NEWEST:
            return super().next_batch()
        self._cache_next()
        return _Batch(batch)


def read_leniently() -> None:
    """From the next fetch on, every consumer of this process parses leniently."""
    fetcher.MemoryRecords = _Records

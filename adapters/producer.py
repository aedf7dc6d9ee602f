"""The producers' bus: records onto a topic with kafka-python, or into a file; both count what is durable.

Idempotent, `acks=all`: what `acknowledged` counts is in Kafka once and stays there. Used by producers (a synchronous loop); the roles that
live in an event loop publish with `adapters.bus`.
"""

import os
import socket
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from kafka import KafkaProducer
from kafka.codec import has_lz4
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.partitioner.default import DefaultPartitioner, murmur2

from incidents.errors import BadReport, RejectReason, TryAgain, UserError

MAX_REQUEST = 4 << 20
MAX_IN_FLIGHT = 20_000
"""Records sent and not yet acknowledged; kafka-python 3 has no bound of its own (`buffer_memory` is gone)."""
REAP_EVERY = 256


_hash = lru_cache(maxsize=1 << 18)(murmur2)


class RememberingPartitioner(DefaultPartitioner):  # type: ignore[misc]  # kafka-python has no types
    """The partition every Kafka client gives a key, with the hash of a source computed once: in pure Python it costs more than the rest."""

    def partition(
        self, topic: str, key: object, serialized_key: bytes | None, value: object, serialized_value: object, cluster: Any
    ) -> int:
        """See kafka-python; a topic's partitions are numbered from 0 without gap."""
        partitions = cluster.partitions_for_topic(topic)
        if serialized_key is None or not partitions:
            return int(super().partition(topic, key, serialized_key, value, serialized_value, cluster))
        return (int(_hash(serialized_key)) & 0x7FFFFFFF) % len(partitions)


class KafkaBus:
    """Sends records to one topic, in order per key, and knows how many of them are durable. For one thread."""

    def __init__(self, bootstrap: str, topic: str, max_in_flight: int = MAX_IN_FLIGHT, patience_ms: int = 15_000) -> None:
        """Connects. Raises UserError when no broker answers within `patience_ms`, or the topic does not exist."""
        self._topic = topic
        self._max_in_flight = max_in_flight
        self._pending: deque[Any] = deque()
        self._acknowledged = 0
        self.sent = 0
        _require_broker(bootstrap)
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=bootstrap.split(","),
                client_id="cityloop-producer",
                enable_idempotence=True,
                acks="all",
                linger_ms=50,
                batch_size=128 << 10,
                compression_type="lz4" if has_lz4() else None,
                max_request_size=MAX_REQUEST,
                max_block_ms=patience_ms,
                bootstrap_timeout_ms=patience_ms,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                partitioner=RememberingPartitioner(),
            )
        except KafkaError as error:
            raise _no_broker(bootstrap, str(error)) from None
        self._require_topic(bootstrap)

    def _require_topic(self, bootstrap: str) -> None:
        try:
            self._producer.partitions_for(self._topic)
        except KafkaError as error:
            self._producer.close(timeout=0)
            message = f"topic {self._topic!r} is not on {bootstrap} ({error}); create it with `cityloop topics apply`"
            raise UserError(message) from None

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Hand one record over; waits when too many are under way.

        Raises BadReport for a record above the broker's limit (nothing was sent) and TryAgain when an earlier record failed for good.
        """
        if key is None and value is None:
            key = b""
        try:
            self._pending.append(self._producer.send(self._topic, value=value, key=key))
        except MessageSizeTooLargeError:
            raise BadReport(RejectReason.OVERSIZED, f"{len(value or b'')} bytes; Kafka takes {MAX_REQUEST} here") from None
        except KafkaTimeoutError as error:
            raise TryAgain(f"Kafka does not answer: {error}") from error
        self.sent += 1
        if self.sent % REAP_EVERY == 0:
            self._reap()

    def durable(self) -> int:
        """How many of those sent are acknowledged by every replica. Raises TryAgain when one failed for good."""
        self._reap()
        return self._acknowledged

    def _reap(self) -> None:
        """Count what is acknowledged, oldest first; wait for the oldest when too many are under way."""
        pending = self._pending
        while pending and (pending[0].is_done or len(pending) > self._max_in_flight):
            try:
                pending[0].get(timeout=150)
            except KafkaError as error:
                raise TryAgain(f"Kafka refused a record after {self._acknowledged} were durable: {error!r}") from error
            pending.popleft()
            self._acknowledged += 1

    def flush(self, timeout_s: float) -> None:
        """Return when every record sent is durable. Raises TryAgain with what is not, after `timeout_s` seconds."""
        try:
            self._producer.flush(timeout=timeout_s)
        except KafkaTimeoutError:
            raise TryAgain(f"{self.sent - self._acknowledged} records were not acknowledged within {timeout_s:g} s") from None
        self._reap()

    def close(self) -> None:
        """Let go of the connections; records not flushed are given up."""
        self._producer.close(timeout=0 if self._pending else 5)


def _require_broker(bootstrap: str) -> None:
    """Raise UserError unless some address takes a connection; kafka-python would try for long and leave its sockets open."""
    why = ""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
                return
        except (OSError, ValueError) as error:
            why = f"{address}: {error}"
    raise _no_broker(bootstrap, why)


def _no_broker(bootstrap: str, why: str) -> UserError:
    return UserError(f"no Kafka at {bootstrap} ({why}); start the stack (`cityloop up`) or set CITYLOOP_KAFKA_BOOTSTRAP")


class FileBus:
    """The same into a file, one value a line, `-` is stdout: keys are left out, a null value is an empty line."""

    def __init__(self, path: Path) -> None:
        """Opens the file anew. Raises UserError when that is not possible."""
        self.sent = 0
        self._flushed = 0
        self._file: IO[bytes]
        try:
            self._file = os.fdopen(os.dup(1), "wb") if str(path) == "-" else path.open("wb")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Append a line. Raises UserError when the disk is full."""
        try:
            self._file.write((value or b"") + b"\n")
        except OSError as error:
            raise UserError(f"cannot write on: {error.strerror}") from None
        self.sent += 1

    def flush(self, timeout_s: float) -> None:
        """Hand everything to the file."""
        try:
            self._file.flush()
        except OSError as error:
            raise UserError(f"cannot write on: {error.strerror}") from None
        self._flushed = self.sent

    def durable(self) -> int:
        """How many lines were handed to the operating system."""
        return self._flushed

    def close(self) -> None:
        """Close the file."""
        self._file.close()

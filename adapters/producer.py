"""The producers' bus: records onto a topic, or into a file; both count what is durable.

Idempotent, `acks=all`: what `acknowledged` counts is in Kafka once and stays there. A producer is a synchronous loop, so the publisher of
`adapters.bus` works for it in a thread.
"""

import asyncio
import os
import socket
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from adapters.bus import Out, Publisher, TopicId, hashed
from incidents.errors import BadReport, RejectReason, TryAgain, UserError

MAX_BYTES = 4 << 20
"""Key and value of one record."""
MAX_IN_FLIGHT = 20_000
"""Records sent and not yet acknowledged."""
LINGER_S = 0.05
"""What is sent within it leaves together."""
PATIENCE_S = 150.0
"""How long `send` waits for room before it gives up."""
KEYS = 1 << 18
"""Sources whose partition is remembered: those of a city."""


class KafkaBus:
    """Sends records to one topic, in order per key, and knows how many of them are durable. For one thread."""

    def __init__(self, bootstrap: str, topic: str, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        """Connects. Raises UserError when no broker answers, or the topic does not exist."""
        _require_broker(bootstrap)
        asyncio.run(_require_topic(bootstrap, topic))
        self.sent = 0
        self._topic = topic
        self._max_in_flight = max_in_flight
        self._publisher = Publisher(bootstrap, "cityloop-producer", hashed(KEYS))
        self._wake = asyncio.Event()
        self._moved = threading.Condition()  # guards the next three
        self._waiting: list[Out] = []
        self._acknowledged = 0
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kafka-bus", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._publish(), self._loop).add_done_callback(self._ended)

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Hand one record over; waits when too many are under way.

        Raises BadReport for a record above the broker's limit (nothing was sent) and TryAgain when an earlier record failed for good.
        """
        if key is None and value is None:
            key = b""
        if len(key or b"") + len(value or b"") > MAX_BYTES:
            raise BadReport(RejectReason.OVERSIZED, f"{len(value or b'')} bytes; Kafka takes {MAX_BYTES} here")
        if self._failure or self.sent - self._acknowledged >= self._max_in_flight:
            self._until_durable(self.sent - self._max_in_flight + 1, PATIENCE_S)
        with self._moved:
            self._waiting.append(Out(self._topic, key, value))
            first = len(self._waiting) == 1
        self.sent += 1
        if first:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _publish(self) -> None:
        """Publish what comes within a moment, batch behind batch, until one fails: a later record must not overtake an earlier one."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(LINGER_S)
            with self._moved:
                outs, self._waiting = self._waiting, []
            try:
                await self._publisher.publish(outs)
            except TryAgain as error:
                raise TryAgain(f"Kafka refused a record after {self._acknowledged} were durable: {error}") from error
            with self._moved:
                self._acknowledged += len(outs)
                self._moved.notify_all()

    def _ended(self, publishing: Future[None]) -> None:
        """What ended the publishing, a refusal or a bug, is raised by whatever is called next."""
        if not publishing.cancelled():
            with self._moved:
                self._failure = publishing.exception()
                self._moved.notify_all()

    def durable(self) -> int:
        """How many of those sent are acknowledged by every replica. Raises TryAgain when one failed for good."""
        self._until_durable(0, 0)
        return self._acknowledged

    def flush(self, timeout_s: float) -> None:
        """Return when every record sent is durable. Raises TryAgain with what is not, after `timeout_s` seconds."""
        self._until_durable(self.sent, timeout_s)

    def _until_durable(self, many: int, timeout_s: float) -> None:
        with self._moved:
            moved = self._moved.wait_for(lambda: self._failure or self._acknowledged >= many, timeout_s)
            if self._failure:
                raise self._failure
            if not moved:
                raise TryAgain(f"{self.sent - self._acknowledged} records were not acknowledged within {timeout_s:g} s")

    def close(self) -> None:
        """Let go of the connections; records not flushed are given up."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave(self) -> None:
        await _end_others()  # the client's own too: it would wait for a broker that is away
        await self._publisher.close()
        await _end_others()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _require_broker(bootstrap: str) -> None:
    """Raise UserError unless some address takes a connection; a client of Kafka would try for long."""
    why = ""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
                return
        except (OSError, ValueError) as error:
            why = f"{address}: {error}"
    raise _no_broker(bootstrap, why)


async def _require_topic(bootstrap: str, topic: str) -> None:
    """Raise UserError unless the broker answers and knows the topic."""
    asked = TopicId(bootstrap, topic)
    try:
        known = await asked.now()
    except TryAgain as error:
        raise _no_broker(bootstrap, str(error)) from None
    finally:
        await asked.close()
    if known is None:
        raise UserError(f"topic {topic!r} is not on {bootstrap}; create it with `cityloop topics apply`")


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

"""The producers' edge: personal values are sealed here, between a source and the bus, whatever the source is.

A source knows nothing of it, and a new kind of source cannot forget it. Records without personal data pass as they are.
"""

from collections.abc import Callable

from producers.run import Bus

SealValue = Callable[[bytes | None], bytes | None]
"""`adapters.seals.Sealer.seal_value`."""


class SealedBus:
    """A bus that seals what it passes on; see `producers.run.Bus`."""

    def __init__(self, bus: Bus, seal: SealValue) -> None:
        self._bus = bus
        self._seal = seal

    @property
    def sent(self) -> int:
        """How many were handed over."""
        return self._bus.sent

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Seal and hand over. Raises TryAgain also when no key can be had: nothing was sent then."""
        self._bus.send(key, self._seal(value))

    def durable(self) -> int:
        """How many of those sent are known to be kept."""
        return self._bus.durable()

    def flush(self, timeout_s: float) -> None:
        """Return when everything sent is durable."""
        self._bus.flush(timeout_s)

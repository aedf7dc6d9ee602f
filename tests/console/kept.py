"""A bus for tests of what the console publishes."""

from collections.abc import Iterable
from typing import Any

import orjson

from adapters.bus import Out
from incidents.errors import TryAgain


class Kept:
    """A bus that keeps what was published; `away` makes it fail."""

    def __init__(self) -> None:
        self.outs: list[Out] = []
        self.away = False

    async def publish(self, outs: Iterable[Out]) -> None:
        """Keep them."""
        if self.away:
            raise TryAgain("Kafka: no broker")
        self.outs += outs

    async def close(self) -> None:
        """Nothing is open."""

    def events(self) -> list[dict[str, Any]]:
        """Those kept, decoded; then none."""
        found, self.outs = [orjson.loads(out.value or b"") for out in self.outs], []
        return found

"""The snapshot that a page begins with: the cases of the hot store, how many stand in which state, and the latest facts.

Its cursor was taken before the cases were read, so that the feed behind it brings everything that the snapshot may lack; what it brings
twice is told by the case's `sequence`. Kept for a second, so that a hundred pages that reload together read the store once.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.console_view import ConsoleView
from incidents.case import ENDED

KEPT_S = 1.0
MOST = 50_000
ENDED_SHOWN = 200
LATEST = 40


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`body` is the JSON, `cursor` where the feed goes on."""

    body: bytes
    cursor: str
    taken: float


class Snapshots:
    """Takes snapshots of one view; raises TryAgain when Redis is away."""

    def __init__(self, view: ConsoleView) -> None:
        self._view = view
        self._last: Snapshot | None = None
        self._taking = asyncio.Lock()

    async def now(self) -> Snapshot:
        """A snapshot that is at most a second old."""
        async with self._taking:
            if self._last is None or time.monotonic() - self._last.taken > KEPT_S:
                self._last = await self._take()
            return self._last

    async def _take(self) -> Snapshot:
        cursor = (await self._view.reach()).newest
        latest = await self._view.newest(LATEST)
        stored = await self._view.cases(MOST)
        body = await asyncio.to_thread(_body, stored, [entry.frame for entry in latest])
        return Snapshot(body, cursor, time.monotonic())


def _body(stored: list[bytes], latest: list[bytes]) -> bytes:
    """Open cases whole, of the ended ones the newest; `states` counts them all. The latest facts come newest first."""
    rows = [_row(orjson.loads(value)) for value in stored]
    states = Counter(row["state"] for row in rows)
    still_open = [row for row in rows if row["state"] not in ENDED]
    ended = [row for row in rows if row["state"] in ENDED][:ENDED_SHOWN]
    facts = [orjson.loads(frame) for frame in latest]
    return orjson.dumps({"cases": still_open + ended, "states": states, "facts": facts, "complete": len(rows) < MOST})


def _row(case: dict[str, Any]) -> dict[str, Any]:
    """A case as the page shows it: the fields of a frame of the feed, without a fact."""
    place = case["place"]
    return {
        "case_id": case["case_id"],
        "sequence": case["sequence"],
        "state": case["state"],
        "category": case["category"],
        "severity": case["severity"],
        "district": place.get("district"),
        "lon": place["lon"],
        "lat": place["lat"],
        "unit": case.get("unit"),
        "count": sum(total["count"] for total in case.get("totals", {}).values()),
        "at": case["entered_at"],
        "overdue": case.get("overdue", False),
    }

"""A console without engines: the real pages under the real policy over a made-up city, for tests of what a page does.

It answers as the API of the console does, moves cases by a small table of its own, and fails on demand. What the API truly answers is the
business of the journeys; here a page is shown any situation within milliseconds. This file is the city's state and its feed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from adapters.boundaries import outlines
from config.load import load_city
from config.settings import Settings
from console.words import catalogue, labelled
from tests.browser.standin_city import NOW, ROW, a_case, iso

TAB_OF = {
    "reported": "to_file",
    "verifying": "to_verify",
    "filed": "to_dispatch",
    "dispatched": "to_accept",
    "handling": "handling",
    "suspended": "handling",
    "checking": "to_check",
    "checked": "to_close",
}
RANK = {"emergency": 0, "major": 1, "normal": 2, "minor": 3}
SORTS: dict[str, tuple[Any, bool]] = {
    "newest": (lambda row: row["opened_at"], True),
    "oldest": (lambda row: row["opened_at"], False),
    "due": (lambda row: row["due_at"] or "9999", False),
    "severity": (lambda row: RANK[row["severity"]], False),
}
MACHINE = {"id": "system:intake", "role": "system", "unit": None}
LEAD: dict[str, Any] = {"id": "wang.fang", "name": "王芳", "role": "shift_lead", "level": "city", "district": None, "unit": None}
FRAME = ("case_id", "sequence", "state", "category", "severity", "district", "lon", "lat", "unit", "count", "revision", "due_at", "overdue")


@cache
def _city() -> tuple[dict[str, Any], dict[str, Any]]:
    settings = Settings(city="qingdao")
    city = load_city(settings)
    return catalogue(city), labelled(outlines(city, settings))


class Standin:
    """The state behind the pages. Change it from a test's thread; pages hear of it by the feed."""

    def __init__(self, cases: int = 60) -> None:
        self.catalogue, self.outlines = _city()
        made = (a_case(number, self.catalogue["categories"]) for number in range(cases))
        self.rows: dict[str, ROW] = {row["case_id"]: row for row in made}
        self.facts: dict[str, list[dict[str, Any]]] = {}
        self.person: dict[str, Any] | None = LEAD
        self.password = "correct horse"
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        self.unfiled: dict[str, str] = {}
        self.commands: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._feeds: set[asyncio.Queue[bytes | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log: list[tuple[int, bytes]] = []
        self._began = int(time.time() * 1000)

    def add(self, number: int, **changes: Any) -> ROW:
        """A case is reported now; pages hear of it."""
        fresh = {"state": "reported", "opened_at": iso(NOW), "entered_at": iso(NOW), "unit": None, "sequence": 0, "overdue": False}
        row = a_case(number, self.catalogue["categories"], **(fresh | {"due_at": None, "filed_at": None} | changes))
        self.rows[row["case_id"]] = row
        self.tell(row["case_id"], "opened")
        return row

    def tell(self, case_id: str, fact: str, said: dict[str, Any] | None = None, **changes: Any) -> None:
        """A fact of a case: its row changes, its timeline grows, the feed says it. `said`: actor, note, reason."""
        row = self.rows[case_id] = self.rows[case_id] | changes
        row["sequence"] += 1
        row["revision"] += fact != "sighted"
        told = {
            "sequence": row["sequence"],
            "type": fact,
            "at": iso(NOW),
            "actor": MACHINE,
            "note": None,
            "reason": None,
            "changes": changes,
        }
        told |= said or {}
        self.facts.setdefault(case_id, []).append(told)
        self.push("fact", {name: row[name] for name in FRAME} | {"fact": fact, "at": told["at"], "reason": told["reason"]})

    def push(self, event: str, data: dict[str, Any]) -> None:
        """Send an event to every page, and keep facts for who comes back."""
        body = f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()
        if event == "fact":
            cursor = max(int(time.time() * 1000), self._log[-1][0] + 1 if self._log else 0)
            body = f"id: {cursor}-0\n".encode() + body
            self._log.append((cursor, body))
        self._send(body)

    def break_feed(self) -> None:
        """Every page's feed ends now."""
        self._send(None)

    def _send(self, body: bytes | None) -> None:
        if self._loop is not None:
            for feed in list(self._feeds):
                self._loop.call_soon_threadsafe(feed.put_nowait, body)

    async def frames(self, after: str | None) -> AsyncIterator[bytes]:
        """One page's feed, from behind a cursor on."""
        self._loop = asyncio.get_running_loop()
        feed: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._feeds.add(feed)
        try:
            yield b"retry: 200\n\n" + self._ping()
            since = int(after.split("-")[0]) if after else self._began
            yield b"".join(body for cursor, body in self._log if cursor > since)
            while (body := await feed.get()) is not None:
                yield body
        finally:
            self._feeds.discard(feed)

    def _ping(self) -> bytes:
        return f'event: ping\ndata: {{"now":{int(time.time() * 1000)},"cursor":"{self.cursor}"}}\n\n'.encode()

    @property
    def followers(self) -> int:
        """Feeds that are open."""
        return len(self._feeds)

    @property
    def cursor(self) -> str:
        """Where the feed stands."""
        return f"{self._log[-1][0] if self._log else self._began}-0"

    def chosen(self, asked: Any) -> list[ROW]:
        """The rows that filters let through, in the asked order."""
        field, down = SORTS[asked.get("sort") or "newest"]
        rows = sorted((row for row in list(self.rows.values()) if _passes(row, asked)), key=lambda row: row["case_id"])
        return sorted(rows, key=field, reverse=down)


MANY = ("district", "category", "severity", "unit", "channel")


def _passes(row: ROW, asked: Any) -> bool:
    return (
        row["state"] in (asked.getlist("status") or TAB_OF)
        and _in_tab(row, asked.get("tab"))
        and all(not asked.getlist(name) or row[name] in asked.getlist(name) for name in MANY)
        and (not asked.getlist("id") or row["case_id"] in asked.getlist("id"))
        and (not asked.get("overdue") or row["overdue"])
        and (asked.get("since") or "")[:19] <= row["opened_at"] < (asked.get("until") or "9999")[:19]
        and (asked.get("q") or "").lower() in f"{row['case_id']} {row['address']}".lower()
    )


def _in_tab(row: ROW, tab: str | None) -> bool:
    return not tab or (row["overdue"] if tab == "overdue" else TAB_OF.get(row["state"]) == tab)

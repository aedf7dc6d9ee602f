"""`python -m benchmarks.fanout`: the live feed with 200 consoles and 50 events a second: what is lost, how late it is, what it costs.

A real `cityloop console` before a Redis (and Kafka) of its own; facts are written to the feed's stream as the projection writes them, each
with the moment of its writing; every browser checks that it got each fact of its scope once and in order. Half of them see the whole city,
the others a district each. Costs are CPU seconds of the console's process.
"""

import argparse
import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import Redis

from adapters.database import open_database
from adapters.hot import Keys
from adapters.people import People
from adapters.tokens import Tokens
from benchmarks.ground import ground, say
from benchmarks.ingest import console, cpu_s, settled
from config.settings import Settings
from incidents.rights import Permission, Person
from incidents.vocabulary import Role

CONSOLES = 200
RATE = 50
SECONDS = 10.0
DISTRICTS = ("370202", "370203", "370211", "370212", "370213")
AT_ONCE = 20
SENT = re.compile(rb'"number":(\d+),"sent":([\d.]+)')


class Browser:
    """One console's side: what it got, and how late, in seconds."""

    def __init__(self, district: str | None) -> None:
        self.district = district
        self.numbers: list[int] = []
        self.late: list[float] = []
        self.ready = asyncio.Event()

    async def follow(self, port: int, token: str, until: int) -> None:
        """Follow until the fact `until`; by hand, for two hundred clients of httpx would take more of the machine than the console."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        head = f"GET /api/v1/feed HTTP/1.1\r\nHost: console\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode())
        rest = b""
        try:
            while not self.numbers or self.numbers[-1] < until:
                read = await reader.read(1 << 16)
                now = time.time()
                whole, _, rest = (rest + read).rpartition(b"\n\n")
                for number, sent in SENT.findall(whole):
                    self.numbers.append(int(number))
                    self.late.append(now - float(sent))
                if b"event: ping" in whole:
                    self.ready.set()
                if b"event: resync" in whole or not read:
                    raise SystemExit(f"a browser was sent away: {(whole + rest)[-200:]!r}")
        finally:
            writer.close()


def a_frame(number: int, district: str) -> bytes:
    """A frame of the feed, about as large as they are."""
    frame = {"case_id": f"QD-20261121-{number:010d}", "sequence": 3, "fact": "dispatched", "state": "dispatched"}
    more = {"category": "road_spillage", "severity": "normal", "district": district, "lon": 120.38, "lat": 36.07, "count": 3}
    rest = {"at": "2026-11-21T00:00:00Z", "unit": "sanitation-370202", "revision": 2, "due_at": None, "overdue": False}
    return orjson.dumps({**frame, **more, **rest, "number": number, "sent": time.time()})


async def write(settings: Settings, facts: int, rate: float) -> None:
    """Facts at an even pace, round the districts; the last ones once for each, so that every browser sees an end."""
    stream = Keys(settings.namespace, settings.city).feed
    async with Redis.from_url(settings.redis_url) as redis:
        due = time.monotonic()
        for number in range(facts):
            await redis.xadd(stream, {"frame": a_frame(number, DISTRICTS[number % len(DISTRICTS)]), "was": ""})
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        for district in DISTRICTS:
            await redis.xadd(stream, {"frame": a_frame(facts, district), "was": ""})


async def followed(settings: Settings, port: int, pid: int, browsers: list[Browser], seconds: float) -> dict[str, Any]:
    """The figures of one run."""
    facts = round(seconds * RATE)
    tokens = _tokens(settings)
    following = []
    for at, browser in enumerate(browsers):
        following.append(asyncio.create_task(browser.follow(port, tokens[browser.district], facts)))
        if at % AT_ONCE == AT_ONCE - 1:
            await browser.ready.wait()
    await asyncio.gather(*(each.ready.wait() for each in browsers))
    cpu, began = cpu_s(pid), time.monotonic()
    await write(settings, facts, RATE)
    took, cost = time.monotonic() - began, cpu_s(pid) - cpu
    await asyncio.wait_for(asyncio.gather(*following), 30)
    late = sorted(each for browser in browsers for each in browser.late)
    return {
        "consoles": len(browsers),
        "facts_per_s": round(facts / took, 1),
        "delivered": len(late),
        "lost_or_twice": sum(_wrong(browser, facts) for browser in browsers),
        "p50_ms": round(late[len(late) // 2] * 1e3, 1),
        "p99_ms": round(late[len(late) * 99 // 100] * 1e3, 1),
        "share_of_a_core": round(cost / took, 3),
    }


def _tokens(settings: Settings) -> dict[str | None, str]:
    database = open_database(settings)
    try:
        tokens = Tokens(database, People(database, {}))
        return {district: tokens.create(_person(district), 1)[1] for district in (None, *DISTRICTS)}
    finally:
        database.close()


def _person(district: str | None) -> Person:
    level = "city" if district is None else "district"
    scopes = frozenset({Permission.READ})
    return Person(id=f"token:{district}", name="bench", role=Role.LEADER, level=level, district=district, kind="token", scopes=scopes)


def _wrong(browser: Browser, facts: int) -> int:
    """Facts that a browser lacks, or got twice or out of order; the ends of other districts aside."""
    mine = [number for number in range(facts) if browser.district in (None, DISTRICTS[number % len(DISTRICTS)])]
    got = [number for number in browser.numbers if number < facts]
    return 0 if got == mine else len(set(mine) ^ set(got)) + abs(len(got) - len(set(got))) + 1


def measured(settings: Settings, logs: Path, consoles: int = CONSOLES, seconds: float = SECONDS) -> dict[str, Any]:
    """The figures with so many consoles."""
    browsers = [Browser(None if at % 2 else DISTRICTS[at // 2 % len(DISTRICTS)]) for at in range(consoles)]
    with console(settings, logs / "fanout-console.log") as (pid, address):
        found = asyncio.run(followed(settings, int(address.rpartition(":")[2]), pid, browsers, seconds))
    say(f"  feed: {found}")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--consoles", type=int, default=CONSOLES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args()
    with ground() as here:
        print(json.dumps(measured(settled(here, "bench-fanout"), here.logs, chosen.consoles, chosen.seconds), indent=1))


if __name__ == "__main__":
    main()

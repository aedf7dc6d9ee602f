"""`python -m benchmarks.first_view`: from a click on the operations page's address to its queue and its map, with 10,000 open cases.

A real `cityloop console` before a Kafka and a Redis of its own, its tables on SQLite; each look is a Chromium of its own that has kept
nothing (no cache, no compiled script), signed in, at the queue of all open cases. Milliseconds run from the start of the navigation to the
frame that shows the first rows of the queue, and to the one after which the map has nothing left to draw, all points being on it.
`cpu_ms` is what the browser's processes used until then, which other work on the machine changes little.
The map is drawn by software where the machine has no graphics card. The promise is `BOUND_MS` for both; the median over it is exit code 1.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
from playwright.sync_api import Playwright, sync_playwright

from adapters.case_keeper import CaseTables
from adapters.case_rows import Told, read_fact
from adapters.database import open_database
from adapters.people import People
from benchmarks import results
from benchmarks.ground import ground, say
from benchmarks.ingest import console, settled
from benchmarks.processes import cpu_s, tree
from benchmarks.table_cases import BEGINS, Cases, Json
from config.load import load_city
from config.settings import Settings
from console.access import COOKIE
from incidents.audit import Span
from incidents.catalogue import City
from incidents.rights import Person
from incidents.vocabulary import ENDED, Role

OPEN = 10_000
LOOKS = 9
BOUND_MS = 1_500
AT_ONCE = 500
LEAD = Person(id="bench.lead", name="bench", role=Role.SHIFT_LEAD, level="city")
PASSWORD = "a gull over the old pier"
SEEN = """() => {
  const seen = window.seen = {};
  const note = (name) => {
    if (name in seen) return;
    seen[name] = 0;
    requestAnimationFrame(() => setTimeout(() => { seen[name] = performance.now(); }));
  };
  new MutationObserver(() => {
    if (document.querySelector("#rows [data-case]")) note("queue_ms");
    if (Number(document.querySelector("[data-drawn]")?.dataset.drawn) > 0) note("map_ms");
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-drawn"] });
}"""
FOUND = """() => ({ ...window.seen, drawn: Number(document.querySelector("[data-drawn]").dataset.drawn),
  first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  kilobytes: performance.getEntriesByType("resource").reduce((sum, one) => sum + one.transferSize, 0) / 1000 })"""
BOTH = "() => window.seen && window.seen.queue_ms > 0 && window.seen.map_ms > 0"


def opened(city: City, wanted: int) -> Iterator[Told]:
    """A fact each of so many open cases of one day."""
    days = (({**case, "case_id": f"{case['case_id']}{seed}"} for case in Cases(city, seed).day(0, 1)) for seed in itertools.count(1))
    cases = (case for case in itertools.chain.from_iterable(days) if case["state"] not in ENDED)
    return (_fact(case, offset) for offset, case in enumerate(itertools.islice(cases, wanted)))


def _fact(case: Json, offset: int) -> Told:
    head = {"case_id": case["case_id"], "sequence": case["sequence"], "at": case["opened_at"], "actor": {"id": "x", "role": "system"}}
    return read_fact(orjson.dumps({"type": "city.case.opened.v1", "data": head | {"case": case}}), 0, offset)


def fill(settings: Settings, city: City, wanted: int) -> None:
    """The tables by the projection's own writer, and an account."""
    database = open_database(settings)
    database.upgrade()
    tables, told = CaseTables(database), opened(city, wanted)
    tables.prepare("benchmark", {0: Span(0, 0)})
    while batch := list(itertools.islice(told, AT_ONCE)):
        tables.take(batch)
    People(database, {}).add(LEAD, PASSWORD)
    database.close()


def look(playwright: Playwright, address: str, session: str) -> dict[str, float]:
    """One cold look, milliseconds."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": session, "url": address}])
    context.add_init_script(f"({SEEN})()")
    page = context.new_page()
    used_s = _browser_cpu_s()
    page.goto(f"{address}/?tab=all")
    while not page.evaluate(BOTH):  # the policy forbids what wait_for_function would do
        page.wait_for_timeout(50)
    found: dict[str, float] = page.evaluate(FOUND) | {"cpu_ms": 1_000 * (_browser_cpu_s() - used_s)}
    browser.close()
    return {name: round(value) for name, value in found.items()}


def _browser_cpu_s() -> float:
    """CPU seconds of all processes of the browser that this process started."""
    return sum(cpu_s(pid) for pid in tree(os.getpid()) if "chrom" in Path(f"/proc/{pid}/comm").read_text())


def measured(settings: Settings, logs: Path, looks: int, wanted: int = OPEN) -> dict[str, Any]:
    """Median and worst of the looks; the first one, which warms the console up, is told apart."""
    city = load_city(settings)
    fill(settings, city, wanted)
    with console(settings, logs / "first-view-console.log") as (_, address), sync_playwright() as playwright:
        signed = httpx.post(f"{address}/api/v1/session", json={"account": LEAD.id, "password": PASSWORD})
        session = signed.raise_for_status().cookies[COOKIE]
        first, *all_looks = [look(playwright, address, session) for _ in range(looks + 1)]
    if {each["drawn"] for each in all_looks} != {wanted}:
        raise SystemExit(f"the map has {all_looks[0]['drawn']} points instead of {wanted}")
    names = ("first_paint_ms", "queue_ms", "map_ms", "cpu_ms")
    figures = {
        name: {"median": statistics.median(each[name] for each in all_looks), "worst": max(each[name] for each in all_looks)}
        for name in names
    }
    return {
        "open_cases": wanted,
        "looks": looks,
        **figures,
        "kilobytes": first["kilobytes"],
        "after_start": first,
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_view", description=__doc__)
    parser.add_argument("--looks", type=int, default=LOOKS)
    chosen = parser.parse_args()
    with ground() as here, tempfile.TemporaryDirectory() as folder:
        clock = f"x1@{BEGINS + timedelta(days=1):%Y-%m-%dT%H:%M}+00:00"
        settings = settled(here, "bench-first-view").model_copy(update={"local_dir": Path(folder), "clock": clock})
        found = measured(settings, here.logs, chosen.looks)
    content = results.wrapped({}, first_view=found)
    print(json.dumps(content, indent=1, ensure_ascii=False))
    say(f"written to {results.save(content, '-first-view')}")
    late = [name for name in ("queue_ms", "map_ms") if found[name]["median"] > BOUND_MS]
    say(f"over {BOUND_MS} ms: {', '.join(late)}" if late else f"within {BOUND_MS} ms")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())

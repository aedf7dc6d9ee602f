"""`python -m benchmarks.tables`: how long every list and map query takes over a month, or a year, of 14,000 cases a day, on both databases.

Without `--database` it makes an SQLite file and a PostgreSQL of its own below the folder for temporary files and takes them away again;
with `--kept FOLDER` they stay there, and are asked again without being filled again. Cases are put in at once; then facts by the
projection's own writer, whose rate and CPU it tells. Only cases of the last thirty days get their whole JSON (it is read for one case at
a time, never by a list). Each query is asked `--runs` times with other values; its 95th percentile must be at most 100 ms, or the exit
code is 1. One that takes longer is asked so often once more, for others may have used the machine; both percentiles are told.
"""

import argparse
import contextlib
import gc
import json
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from adapters.case_query import CaseQuery
from adapters.database import Database, open_database
from adapters.stack_postgres import PostgresEngine
from benchmarks import results
from benchmarks.ground import say
from benchmarks.table_cases import BEGINS
from benchmarks.table_load import is_empty, loaded, written
from benchmarks.table_questions import Asking, questions
from config.load import load_city
from config.settings import Settings
from incidents.catalogue import City
from tests.servers import Server

BOUND_MS = 100.0
CITY = "qingdao"
TUNED: Mapping[str, str | int] = {"shared_buffers": "1GB", "work_mem": "16MB", "random_page_cost": "1.1", "jit": "off"}
"""What a PostgreSQL of 16 GB on solid-state disks is given at least; docs/operations.md says so."""


def measured(database: Database, city: City, days: int, runs: int) -> dict[str, Any]:
    """Write, ask: every question's times in milliseconds, and what writing costs."""
    seed = time.time_ns()  # of cases that a kept database has not yet
    many, single = (written(database, city, days, *how) for how in ((5_000, 500, seed), (200, 1, seed + 1)))
    writing = {"in batches of 500": many, "one by one": single}
    asking = Asking(CaseQuery(database, city, lambda: BEGINS + timedelta(days=days)), city, days)
    backends = _backends(database)
    with _as_the_console():
        return {"questions": {name: _asked(name, asking, runs, backends) for name in questions()}, "writing": writing}


@contextlib.contextmanager
def _as_the_console() -> Iterator[None]:
    """Python's collector as cli/console.py sets it; otherwise every tenth map pays for walking all that the benchmark has loaded."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def _asked(name: str, asking: Asking, runs: int, backends: Sequence[int]) -> dict[str, float]:
    """Once, or twice: then the faster time, and what the first one came to."""
    first = _timed(name, asking, runs, backends)
    if first["p95_ms"] <= BOUND_MS:
        return first
    again = _timed(name, asking, runs, backends)
    return min(first, again, key=lambda found: found["p95_ms"]) | {"first_p95_ms": first["p95_ms"]}


def _timed(name: str, asking: Asking, runs: int, backends: Sequence[int]) -> dict[str, float]:
    """Wall time, and the CPU of this thread and of the database's processes: what is left of it when others use the machine, too."""
    ask, took, spent = questions()[name], list[float](), list[float]()
    for _ in range(runs):
        began, cpu = time.perf_counter(), time.thread_time() + _cpu_s(backends)
        ask(asking)
        took.append((time.perf_counter() - began) * 1000)
        spent.append((time.thread_time() + _cpu_s(backends) - cpu) * 1000)
    found = {"p50_ms": statistics.median(took), "p95_ms": _p95(took), "max_ms": max(took), "cpu_p95_ms": _p95(spent)}
    return {figure: round(value, 1) for figure, value in found.items()}


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _backends(database: Database) -> list[int]:
    if database.is_sqlite:
        return []
    with database.read() as connection:
        return list(connection.execute(text("SELECT pid FROM pg_stat_activity WHERE application_name = 'cityloop'")).scalars())


def _cpu_s(processes: Sequence[int]) -> float:
    """What the kernel's scheduler has given them, of a process that runs here."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in processes if Path(f"/proc/{pid}").exists()) / 1e9


@contextlib.contextmanager
def databases(url: str | None, kept: Path | None = None) -> Iterator[dict[str, str]]:
    """The databases to measure, by name: the given one, or one of each kind, made for this or kept in a folder."""
    if url is not None:
        yield {"given": url}
        return
    folder = kept or Path(tempfile.mkdtemp(prefix="cityloop-tables-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # PostgreSQL's user must come in
    engine = PostgresEngine(folder / "pg", TUNED)
    server = Server(engine, folder / "log")
    try:
        server.start()
        yield {"sqlite": f"sqlite:///{folder / 'cases.sqlite'}", "postgresql": engine.address}
    finally:
        server.stop(signal.SIGINT)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def run(days: int, runs: int, url: str | None = None, only: str | None = None, kept: Path | None = None) -> dict[str, Any]:
    """The figures of each database."""
    city = load_city(Settings(city=CITY))
    figures: dict[str, Any] = {}
    with databases(url, kept) as found, contextlib.ExitStack() as stack:
        opened = {
            name: stack.enter_context(contextlib.closing(open_database(Settings(database_url=address))))
            for name, address in found.items()
            if only in (None, name)
        }
        began = time.monotonic()
        loaded([each for each in opened.values() if is_empty(each)], city, days)
        say(f"{days} days put in, {time.monotonic() - began:.0f} s")
        for name, database in opened.items():
            say(f"\n{name}")
            figures[name] = measured(database, city, days, runs)
    return results.wrapped({}, days=days, runs=runs, databases=figures)


def shown(content: Mapping[str, Any]) -> Table:
    """A row per question, the slowest first."""
    kinds = content["databases"]
    table = Table("question", *(f"{kind} p50 / p95 / max (CPU p95), ms" for kind in kinds), box=None)
    names = sorted(questions(), key=lambda name: -max(each["questions"][name]["p95_ms"] for each in kinds.values()))
    for name in names:
        rows = [each["questions"][name] for each in kinds.values()]
        table.add_row(name, *(f"{row['p50_ms']} / {row['p95_ms']} / {row['max_ms']} ({row['cpu_p95_ms']})" for row in rows))
    return table


def main() -> int:
    """Parse, run, print; 1 when a question takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="of 14,000 cases each; 365 is a year, 30 GB and an hour")
    parser.add_argument("--runs", type=int, default=40, help="of each question")
    parser.add_argument("--database", help="URL of an empty database instead of two of its own")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/<date>-<commit>-tables.json")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="leave both databases here, and use them again")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    chosen = parser.parse_args()
    content = run(chosen.days, chosen.runs, chosen.database, chosen.only, chosen.kept)
    if chosen.save:
        say(f"written to {results.save(content, '-tables')}")
    Console(stderr=True, width=160).print(shown(content))
    print(json.dumps(content, indent=1, ensure_ascii=False))
    slow = [
        (kind, name) for kind, each in content["databases"].items() for name, row in each["questions"].items() if row["p95_ms"] > BOUND_MS
    ]
    for kind, name in slow:
        say(f"{kind}: {name} takes more than {BOUND_MS:.0f} ms", markup=False)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())

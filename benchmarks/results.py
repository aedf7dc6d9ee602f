"""The results file of a contest: figures of every engine and order with the machine and the commit, its medians, ratios and table."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.settings import ROOT

FOLDER = ROOT / "benchmarks" / "results"
OURS = "cityloop/1"
ORDERS = ("live", "backlog", "unique")
HEAD = (
    "engine",
    "reports/s: median (min – max)",
    "ours ÷ it",
    "CPU-s per million",
    "with broker, Redis",
    "RSS MB",
    "cases",
    "precision",
    "recall",
)
SWEEP_HEAD = ("what differs", "point", "reports/s", "CPU-s per million", "Redis", "precision", "recall")
SWEEPS = {"bad": "share of bad input", "noise": "sigma of positions"}
OPEN_HEAD = ("place", "group", "Redis µs", "Python µs", "longest call of 1,000 groups, CPU ms")
Cell = Mapping[str, Any]


def wrapped(engines: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The file's content; `more` may say with which sizes."""
    return {"engines": engines, "machine": machine(), "commit": commit(), "date": _today(), **more}


def machine() -> str:
    """What it ran on, in words."""
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    """The short hash of what is checked out."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def save(content: Mapping[str, Any], kind: str = "") -> Path:
    """Write `<date>-<commit>[-kind].json`; returns where."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{content['date']}-{content['commit']}{kind}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def newest() -> Path | None:
    """The latest results of a contest; those of sweeps have a word more in their name."""
    return _latest(path for path in FOLDER.glob("????-??-??-*.json") if path.stem.count("-") == 3)


def newest_sweeps() -> Path | None:
    """The latest results of sweeps."""
    return _latest(FOLDER.glob("????-??-??-*-sweeps.json"))


def _latest(found: Iterable[Path]) -> Path | None:
    return max(found, key=lambda path: (path.name[:10], path.stat().st_mtime), default=None)


def median(cell: Cell, name: str) -> float | None:
    """The median of a figure over the runs; None when the engine failed or has no such figure."""
    values = cell.get(name)
    return statistics.median(values) if values else None


def ratio(engines: Mapping[str, Any], engine: str, order: str) -> float | None:
    """How many times as many reports a second ours took in this order."""
    ours, theirs = (median(engines.get(name, {}).get(order, {}), "reports_per_s") for name in (OURS, engine))
    return ours / theirs if ours and theirs else None


def _headed(names: Sequence[str]) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def table(content: Mapping[str, Any], order: str) -> str:
    """One order's figures as a table of Markdown."""
    lines = _headed(HEAD)
    engines = content["engines"]
    for name, orders in engines.items():
        if order in orders:
            lines.append(f"| {' | '.join(_row(name, orders[order], ratio(engines, name, order)))} |")
    return "\n".join(lines)


def sweeps_table(sweeps: Mapping[str, Mapping[str, Any]]) -> str:
    """The points of all sweeps but the open cases, one row each."""
    lines = _headed(SWEEP_HEAD)
    for sweep, points in sweeps.items():
        if sweep != "open_cases":
            lines += [f"| {' | '.join((SWEEPS.get(sweep, sweep), point, *_swept(cell)))} |" for point, cell in points.items()]
    return "\n".join(lines)


def _swept(cell: Cell) -> Sequence[str]:
    if "failed" in cell:
        return [f"failed: {cell['failed']}", *[""] * (len(SWEEP_HEAD) - 3)]
    cpu = [f"{cell[f'cpu_s_per_million{each}']:.1f}" if "reports_per_s" in cell else "" for each in ("", "_redis")]
    rate = f"{cell['reports_per_s']:,.0f}" if "reports_per_s" in cell else ""
    return [rate, *cpu, *(f"{cell[each]:.4f}" if each in cell else "" for each in ("precision", "recall"))]


def open_cases_table(places: Mapping[str, Any]) -> str:
    """What a group costs Redis and Python, place by place."""
    lines = _headed(OPEN_HEAD)
    for place, kinds in places.items():
        if not isinstance(kinds, Mapping):  # the memory of all of them
            continue
        rows = ((kind, *(cell[each] for each in ("redis_us", "python_us", "longest_cpu_ms"))) for kind, cell in kinds.items())
        lines += [f"| {place} | {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def _row(name: str, cell: Cell, times: float | None) -> Sequence[str]:
    if "failed" in cell:
        return [name, f"failed: {cell['failed']}", *[""] * (len(HEAD) - 2)]
    rates, cpu = cell["reports_per_s"], median(cell, "cpu_s_per_million") or 0.0
    beside = sum(median(cell, f"cpu_s_per_million_{each}") or 0.0 for each in ("broker", "redis"))
    share = [f"{cell[each]:.4f}" if each in cell else "" for each in ("precision", "recall")]
    spread = f"{statistics.median(rates):,.0f} ({min(rates):,.0f} – {max(rates):,.0f})"
    shown = "" if times is None or name == OURS else f"{times:.2f}"
    cases = f"{cell['cases']:,}" if cell["cases"] else ""
    return [name, spread, shown, f"{cpu:.1f}", f"{cpu + beside:.1f}", str(cell["rss_mb"]), cases, *share]

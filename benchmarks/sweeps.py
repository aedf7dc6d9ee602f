"""Ours over what cities differ in: open cases, bad input, cameras, partitions, workers, noise.

What must stay flat is CPU, not the wall clock. Noise is no matter of speed: there the figures are precision and recall against the truth.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from benchmarks.contest import SCORED, EngineFailed, Race, prepare, scored, timed
from benchmarks.engines import Engine
from benchmarks.ground import Ground, say
from benchmarks.orders import CAMERAS, orders
from config.settings import ROOT

BAD = (0.0, 0.01, 0.5)
CAMERAS_OF = (1_000, 10_000, 100_000, CAMERAS)
PARTITIONS = (4, 8, 64)
NOISE_M = (5.0, 15.0)
"""Sigma of a camera's position: as the simulator has it anyway, and three times that."""
ONE, TWO = Engine("cityloop/1"), Engine("cityloop/2")
Run = Callable[[Ground, Engine, Race], dict[str, Any]]


def measured(ground: Ground, reports: int) -> dict[str, Any]:
    """Every sweep, `reports` measured ones a point."""
    found: dict[str, Any] = {"open_cases": _open_cases()}
    for sweep, point, engine, race, run in _points(ground, reports):
        try:
            result = run(ground, engine, race)
        except EngineFailed as error:
            result = {"failed": str(error)}
        found.setdefault(sweep, {})[point] = result
        say(f"  {sweep} {point}: " + ", ".join(f"{name} {value:,.5g}" for name, value in result.items() if isinstance(value, (int, float))))
    return found


def _points(ground: Ground, reports: int) -> Iterator[tuple[str, str, Engine, Race, Run]]:
    live = orders(reports)[0]
    for bad in BAD:
        yield "bad", str(bad), ONE, prepare(ground, live, bad), timed
    for cameras in CAMERAS_OF:
        yield "cameras", str(cameras), ONE, prepare(ground, orders(reports, cameras)[0]), timed
    for partitions in PARTITIONS:
        yield "partitions", str(partitions), ONE, prepare(ground, live, partitions=partitions), timed
    race = prepare(ground, live)
    for engine in (ONE, TWO):
        yield "workers", str(engine.threads), engine, race, timed
    for noise_m in NOISE_M:
        noisy = replace(live, options=live.options | {"noise_m": noise_m}, reports=SCORED)
        yield "noise", f"{noise_m:g} m", ONE, prepare(ground, noisy), scored


def _open_cases() -> Any:
    """The atomic call on a store filled with 10³ to 10⁶ open cases: benchmarks/sift_store.py, on a Redis of its own."""
    say("open cases: the atomic call on stores of 10³ to 10⁶ …")
    done = subprocess.run([sys.executable, "-m", "benchmarks.sift_store", "--json"], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    return {"failed": f"benchmarks.sift_store ended with {done.returncode}"} if done.returncode else json.loads(done.stdout)

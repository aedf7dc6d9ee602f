"""Random trees and label sets: our routing and that of Debian's `amtool` name the same receivers, in the same order.

`amtool` reads a file and labels from its command line and prints the receivers. One process per question costs 13 ms; the full run has
more of them. `group_by = []` is left out: its meaning changed after Debian's version.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.notice_tree import tree_of

LABELS = ("city", "category", "district", "severity", "case_id")
VALUES = ("a", "b", "ab", "gas leak", 'quo"te', "x.y", "")
EXPRESSIONS = ("a|b", "a.*", ".*", ".+", "[^a]", "", "a?b?", "(?i)A", "x\\.y", "gas leak|b", "^a$", "b|")
PER_TREE = 10


def trees(seed: int) -> Iterator[tuple[dict[str, Any], list[dict[str, str]]]]:
    """A tree as a table, and label sets to ask it about."""
    rng = random.Random(seed)
    while True:
        receivers = iter(range(1000))

        def node(depth: int, draw: random.Random = rng, numbers: Iterator[int] = receivers) -> dict[str, Any]:
            table: dict[str, Any] = {}
            if draw.random() < 0.8:
                table["receiver"] = f"r{next(numbers)}"
            table["matchers"] = [_matcher(draw) for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))]
            if draw.random() < 0.3:
                table["continue"] = True
            if depth and (children := [node(depth - 1) for _ in range(draw.randrange(4))]):
                table["routes"] = children
            return table

        root = {"receiver": "root", "routes": [node(3) for _ in range(rng.randrange(1, 5))]}
        yield root, [{name: rng.choice(VALUES) for name in rng.sample(LABELS, rng.randrange(1, 6))} for _ in range(PER_TREE)]


def _matcher(rng: random.Random) -> str:
    op = rng.choice(("=", "!=", "=~", "!~"))
    value = rng.choice(EXPRESSIONS if "~" in op else VALUES)
    return f"{rng.choice(LABELS)}{op}{json.dumps(value)}"


def receivers(table: dict[str, Any]) -> set[str]:
    """All that a tree names: `amtool` wants them declared."""
    own = {table["receiver"]} if "receiver" in table else set()
    return own.union(*(receivers(child) for child in table.get("routes", ())))


def asked(path: Path, labels: dict[str, str]) -> list[str]:
    """The receivers that `amtool` names."""
    words = [f"{name}={json.dumps(value)}" for name, value in labels.items()]
    command = ["amtool", "config", "routes", "test", f"--config.file={path}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (done.stderr, command)
    return done.stdout.strip().split(",")


def differ(folder: Path, seed: int, questions: int) -> None:
    """Compare so many answers."""
    assert shutil.which("amtool"), "install the package prometheus-alertmanager (make tools)"
    path = folder / "alertmanager.yml"
    for at, (table, label_sets) in zip(range(questions // PER_TREE), trees(seed), strict=False):
        path.write_text(json.dumps({"route": table, "receivers": [{"name": name} for name in sorted(receivers(table))]}))
        tree = tree_of(table)
        for labels in label_sets:
            ours = [node.options.receiver for node in tree.routes(labels)]
            assert ours == asked(path, labels), (seed, at, table, labels)


def test_random_trees_route_as_amtool_says(tmp_path: Path) -> None:
    """A few hundred answers in every run."""
    differ(tmp_path, seed=1, questions=300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_random_trees_route_as_amtool_says(tmp_path: Path, seed: int) -> None:
    """Ten times three hundred more."""
    differ(tmp_path, seed, questions=300)

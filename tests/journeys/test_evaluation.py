"""The evaluation over the real Kafka: kept by a worker that dies, lost and made anew, and equal to what the facts say again."""

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.evaluation_store import evaluation_file
from cli.main import run
from config.settings import Settings
from incidents.events import CaseId
from tests.conftest import environment
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import facts, of_case
from tests.journeys.test_closure_kills import UNIT, give, life
from tests.waiting import until

CASES = tuple(CaseId(f"QD-20261121-EE{number:08}") for number in range(6))
ROLES = ("--only", "closure,evaluation")


Ask = Callable[..., Any]


@pytest.fixture
def ask(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """`ask("check")` → what `cityloop indicators check --json` prints; None where there is no answer yet."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> Any:
        capsys.readouterr()
        run(["indicators", *words])
        said = capsys.readouterr().out
        return json.loads(said) if said else None

    return call


def _share(ask: Ask, *words: str) -> tuple[int, int] | None:
    answer = ask("show", "--json", "--period", "all", "--indicator", "closure_rate", *words)
    return next(((each["numerator"], each["denominator"]) for each in answer["figures"]), None) if answer else None


def test_kept_figures_survive_the_worker_and_the_file_and_equal_the_recomputed_ones(
    settings: Settings, worker: NewWorker, ask: Ask, tmp_path: Path
) -> None:
    first = worker(settings, *ROLES)
    for case_id in CASES[:3]:
        give(settings, life(case_id))
    facts(settings, lambda seen: all("closed" in of_case(seen, case_id) for case_id in CASES[:3]))
    until(lambda: _share(ask) == (3, 3), "three closed cases in the figures")
    first.kill()
    second = worker(settings, *ROLES)
    for case_id in CASES[3:]:
        give(settings, list(life(case_id))[:5])
    until(lambda: _share(ask) == (3, 6), "three handled cases more")
    checked = ask("check", "--json")
    assert (checked["equal"], checked["different"], checked["cases"]) == (True, [], 6)
    _shown_in_every_way(settings, ask, tmp_path)
    second.kill()
    evaluation_file(settings).unlink()
    worker(settings, *ROLES)
    until(lambda: _share(ask) == (3, 6), "the file made anew from the facts")


def _shown_in_every_way(settings: Settings, ask: Ask, folder: Path) -> None:
    told = [datetime.fromisoformat(each["data"]["at"]) for each in facts(settings, lambda seen: len(seen) >= 36)]
    before = (min(told) - timedelta(seconds=1)).isoformat()
    assert _share(ask, "--as-of", before) is None
    assert _share(ask, "--as-of", max(told).isoformat()) == (3, 6)
    units = ask("scores", "--json", "--period", "all")["units"]
    assert [(unit["unit"], unit["raw"]) for unit in units] == [(UNIT, 60 + 30 * 3 / 6 + 10)]
    ask("export", "--period", "all", "--stat-info", str(folder / "cases.csv"))
    with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    assert sum(int(record["archive_num"]) for record in records) == 3
    assert {record["rec_id"] for record in records} == set(CASES)
    month = f"{max(told):%Y-%m}"
    assert run(["bulletin", month, "--out", str(folder)]) == 0
    assert f"bulletin-{month}.html" in {path.name for path in folder.iterdir()}

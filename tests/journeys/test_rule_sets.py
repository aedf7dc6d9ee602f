"""The rules a worker decides by are on the record before it decides anything, and can be put back to decide the same again."""

import json
from pathlib import Path

from config.load import load_city
from config.settings import Settings
from tests.journeys.conftest import NewWorker
from tests.journeys.process import ask


def test_a_worker_keeps_its_rules_and_anybody_can_write_them_back(worker: NewWorker, settings: Settings, tmp_path: Path) -> None:
    """`rules list` names the hash that cases carry; `rules write` makes a folder that is the same city."""
    worker(settings, "--only", "closure")
    ours = load_city(settings).rules
    listed = json.loads(ask(settings, "rules", "list", "--json").stdout)["rule_sets"]
    assert [each["rules"] for each in listed] == [ours]
    written = ask(settings, "rules", "write", ours[:6], str(tmp_path / "then"))
    assert written.returncode == 0, written.stderr
    assert load_city(settings.model_copy(update={"config_dir": tmp_path / "then"})).rules == ours
    unknown = ask(settings, "rules", "show", "ffff")
    assert unknown.returncode == 2
    assert ours in unknown.stderr

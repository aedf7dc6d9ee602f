"""The alarms that the project brings: they fire when they should, name metrics that exist, and say in two languages where to read on."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from adapters import metrics
from config.settings import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "cityloop.rules.yml"
TESTS = FOLDER / "cityloop.rules.test.yml"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def alarms() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return list(group["rules"])


@pytest.mark.parametrize("words", [("check", "rules", RULES.name), ("test", "rules", TESTS.name)], ids=" ".join)
def test_promtool_accepts_the_rules_and_sees_each_fire_and_stay_silent(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing; run `make tools`, or install the Debian package prometheus"
    done = subprocess.run([promtool, *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_has_a_test() -> None:
    tested = {each["name"] for each in yaml.safe_load(TESTS.read_text("utf-8"))["tests"]}
    assert tested == {alarm["alert"] for alarm in alarms()}


def test_alarms_speak_of_metrics_that_there_are() -> None:
    there = {sample for family in metrics.REGISTRY.collect() for sample in (family.name, f"{family.name}_total", f"{family.name}_bucket")}
    named = {name for alarm in alarms() for name in re.findall(r"cityloop_\w+", alarm["expr"])}
    assert len(named) > 10
    assert named <= there


@pytest.mark.parametrize("alarm", alarms(), ids=lambda alarm: str(alarm["alert"]))
def test_an_alarm_says_in_two_languages_what_is_wrong_and_where_to_read_on(alarm: dict[str, Any]) -> None:
    said = alarm["annotations"]
    assert alarm["labels"]["severity"] in ("page", "ticket", "none")
    assert said["summary"] and re.search("[\u4e00-\u9fff]", said["summary_zh"])
    page, _, anchor = said["runbook"].partition("#")
    assert page == "docs/operations.md"
    assert anchor in {
        re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^##? (.+)$", OPERATIONS, re.MULTILINE)
    }
    assert f"`{alarm['alert']}`" in OPERATIONS, "the list of alarms names it"

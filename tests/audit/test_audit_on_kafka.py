"""The audit over real Kafka and Redis: exact when nothing is missing, and exit code 1 for every single record that is."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.bus import Out
from adapters.case_files import partition_of
from adapters.fates import encode_rebuilt
from adapters.hot import Keys, connect
from cli.main import run
from config.settings import Settings
from config.topics import CASE_EVENTS, FATES, REPORTED
from tests.audit.records import History, commit, cut_off, publish
from tests.conftest import environment

pytestmark = pytest.mark.stack


class Audit:
    """Runs `cityloop audit` in this test's namespace."""

    def __init__(self, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
        self.settings = settings
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        self._capsys.readouterr()
        code = run(["audit", "--json", "--wait", "0", *arguments])
        return code, json.loads(self._capsys.readouterr().out)

    def wrong(self) -> dict[str, str]:
        """The checks that fail; the exit code must say so."""
        code, answer = self()
        failed = {name: check["detail"] for name, check in answer["checks"].items() if not check["ok"]}
        assert code == (1 if failed else 0)
        return failed


@pytest.fixture
def audit(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Audit:
    """The command, with the environment of the test's settings."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return Audit(settings, capsys)


def test_a_whole_history_is_exact(audit: Audit) -> None:
    History.of(audit.settings).write()
    code, answer = audit()
    line = {name: answer[name] for name in ("reported", "opened", "merged", "held", "resent", "rejected", "lost", "pending", "released")}
    assert code == 0, answer["checks"]
    assert line == {"reported": 9, "opened": 1, "merged": 5, "held": 1, "resent": 1, "rejected": 1, "lost": 0, "pending": 0, "released": 1}
    assert answer["partitions"]["1"]["reported"] == 3


def test_people_read_a_table_in_chinese_and_english(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    History.of(audit.settings).write()
    assert run(["audit", "--wait", "0"]) == 0
    said = capsys.readouterr().out
    assert "归并 Merged" in said and "账目相符 every report is accounted for" in said


GONE = {
    "fates 0": {"all_told", "sum", "opened"},
    "fates 1": {"all_told", "sum", "totals"},
    "fates 2": {"all_told", "sum", "dead_letters"},
    "fates other": {"all_told", "sum", "opened"},
    "fact A1": {"opened", "sequences"},
    "fact A2": {"sequences"},
    "fact A3": {"latest"},
    "fact B1": {"opened", "sequences"},
    "rejected 0:5": {"dead_letters"},
}


@pytest.mark.parametrize("gone", GONE)
def test_one_missing_record_is_found(audit: Audit, gone: str) -> None:
    History.of(audit.settings).write(keep=lambda name, _: name != gone)
    assert GONE[gone] <= audit.wrong().keys()


@pytest.mark.parametrize(("topic", "check"), [(FATES.name, "all_told"), (CASE_EVENTS.name, "readable")])
def test_the_first_record_of_a_partition_cannot_be_deleted_unnoticed(audit: Audit, topic: str, check: str) -> None:
    history = History.of(audit.settings).write()
    cut_off(audit.settings, topic, 0 if topic == FATES.name else partition_of(history.a, CASE_EVENTS.partitions), before=1)
    assert check in audit.wrong()


def test_everything_said_twice_is_still_exact(audit: Audit) -> None:
    history = History.of(audit.settings)
    again = [out for name, out in history.records() if name.startswith(("fates", "fact", "rejected", "latest"))]
    history.write()
    publish(audit.settings, again)
    assert not audit.wrong()


def test_reports_beyond_intakes_commits_are_pending_and_not_missed(audit: Audit) -> None:
    history = History.of(audit.settings).write(keep=lambda name, _: name not in ("fates 2", "rejected 0:5"))
    commit(audit.settings, REPORTED.name, "intake", back=1)
    code, answer = audit()
    assert code == 0, answer["checks"]
    assert (answer["reported"], answer["pending"]) == (7, 2)
    assert history.b


def test_a_stack_that_never_worked_is_not_exact(audit: Audit) -> None:
    publish(audit.settings, [Out(audit.settings.named(REPORTED.name), b"k", b"{")])
    assert "intake has committed none of 1 reports" in audit.wrong()["readable"]


def test_a_case_that_counts_other_than_it_was_given_is_found(audit: Audit) -> None:
    history = History.of(audit.settings).write()
    asyncio.run(history.fill({history.a: 3}))
    assert audit.wrong() == {"totals": f"{history.a} counts 3, the fates gave it 4"}


def rebuilt(settings: Settings) -> None:
    """The note that the hot store was filled anew, now."""
    publish(settings, [Out(settings.named(FATES.name), b"rebuilt", encode_rebuilt(datetime.now(UTC)), partition=0)])


def test_after_a_rebuild_the_untold_sightings_are_named_and_allowed(audit: Audit) -> None:
    history = History.of(audit.settings).write()
    asyncio.run(history.fill({history.a: 3}))
    rebuilt(audit.settings)
    code, answer = audit()
    assert (code, answer["untold_lost"]) == (0, 1)


def test_a_rebuild_excuses_nothing_that_was_counted_after_it(audit: Audit) -> None:
    rebuilt(audit.settings)
    history = History.of(audit.settings).write()
    asyncio.run(history.fill({history.a: 3}))
    assert audit.wrong().keys() == {"totals"}


def test_without_the_hot_store_the_cases_on_kafka_are_asked(audit: Audit) -> None:
    History.of(audit.settings).write()
    asyncio.run(_not_ready(audit.settings))
    code, answer = audit()
    assert code == 0
    assert "the hot store does not answer" in answer["checks"]["totals"]["detail"]


async def _not_ready(settings: Settings) -> None:
    redis = connect(settings.redis_url)
    await redis.delete(Keys(settings.namespace, settings.city).ready)
    await redis.aclose()


def test_verdicts_are_written_for_scoring(audit: Audit, tmp_path: Path) -> None:
    history = History.of(audit.settings).write()
    code, _ = audit("--verdicts", str(tmp_path / "decided.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "decided.jsonl").read_text().splitlines()]
    assert code == 0
    assert [line["case"] for line in lines if line["source"] == "/cameras/1"] == [history.a] * 4
    assert len(lines) == 7


def test_a_file_that_cannot_be_written_is_a_persons_mistake(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    History.of(audit.settings).write()
    assert run(["audit", "--wait", "0", "--verdicts", "/nowhere/at/all.jsonl"]) == 2
    assert "cannot write /nowhere/at/all.jsonl" in capsys.readouterr().err

"""`cityloop rehearse`: what a file of reports would have come to, without servers; the same file and rules give the same bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import orjson
import pytest

from cli.main import run
from config.settings import ROOT
from incidents.case import Fact
from incidents.evaluation import Event, Sheet
from incidents.facts import encode_fact
from streams.rehearsal.account import event_of
from tests.rehearsal.files import morning, written

HEAD = (
    "case_enquiry_id,open_dt,target_dt,closed_dt,ontime_status,case_status,subject,reason,type,department,neighborhood,ward,"
    "location_street_name,latitude,longitude,source\n"
)

Rehearse = Callable[..., dict[str, Any]]


@pytest.fixture
def rehearse(capsys: pytest.CaptureFixture[str]) -> Rehearse:
    """`rehearse(file, "--until", …)` → what `--json` prints."""

    def call(*words: object) -> dict[str, Any]:
        capsys.readouterr()
        code = run(["rehearse", *map(str, words), "--json"])
        said = capsys.readouterr()
        assert code == 0, said.err
        found: dict[str, Any] = json.loads(said.out)
        return found

    return call


def test_a_file_of_reports_is_told_by_verdict_rule_route_deadline_and_level(rehearse: Rehearse, tmp_path: Path) -> None:
    found = rehearse(written(tmp_path / "morning.jsonl", morning()))
    assert found["reports"] == len(morning())
    assert found["verdicts"] == {"merged": 10, "opened": 6, "held": 2, "rejected": 1, "resent": 1}
    assert found["merges"] == {"same_source": 6, "same_place": 4}
    assert found["holds"] == {"waiting": 2, "expired": 1, "lifted": 1}
    assert sum(found["units"].values()) == sum(found["routes"].values()) == found["states"]["dispatched"]
    assert found["deadlines"]["overdue"] > 0
    assert found["escalations"]["city"] > 0
    assert found["cases"] == 8
    filed = next(each for each in found["indicators"] if each["indicator"] == "filing_rate")
    assert filed["numerator"] == found["states"]["dispatched"]


def test_the_same_file_gives_the_same_bytes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(written(tmp_path / "morning.jsonl", morning(), "{", "[1]"))

    def printed(*words: str) -> str:
        capsys.readouterr()
        assert run(["rehearse", file, *words]) == 0
        return capsys.readouterr().out

    for words in ((), ("--against", str(ROOT / "config"), "--json")):
        assert printed(*words) == printed(*words)


def test_bad_lines_are_counted_by_reason_listed_and_stop_nothing(rehearse: Rehearse, tmp_path: Path) -> None:
    reports = morning()
    file = written(tmp_path / "bad.jsonl", reports, "{", "[1]", json.dumps(reports[0] | {"time": "yesterday"}))
    found = rehearse(file)
    assert found["verdicts"]["rejected"] == sum(found["rejected"].values()) == 4
    assert {each["where"] for each in found["bad"]} == {
        f"{file}:{line}" for line in (14, len(reports) + 1, len(reports) + 2, len(reports) + 3)
    }
    assert found["cases"] == 8


def test_the_clock_may_run_on_behind_the_end_of_the_file(rehearse: Rehearse, tmp_path: Path) -> None:
    file = written(tmp_path / "one.jsonl", morning()[:1])
    assert rehearse(file)["deadlines"] == {"running": 1}
    later = rehearse(file, "--until", "2026-11-25T08:00+08:00")
    assert (later["deadlines"], later["as_of"]) == ({"overdue": 1}, "2026-11-25T00:00:00Z")
    assert later["escalations"]


def test_people_act_at_once_where_the_file_says_when_a_matter_was_closed(
    rehearse: Rehearse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYLOOP_CITY", "boston")
    row = "{n},02/11/2015 10:00:00 AM,,{closed},,Closed,s,r,Sign Repair,d,n,w,{n} City Hall Plz,42.3{n},-71.06,Self Service\n"
    closings = ("02/12/2015 10:00:00 AM", "04/11/2015 10:00:00 AM", "")  # in time, too late, open at the end of the file
    file = tmp_path / "requests.csv"
    file.write_text(HEAD + "".join(row.format(n=n, closed=closed) for n, closed in enumerate(closings, 4)), encoding="utf-8")
    found = rehearse(file, "--mapping", "boston")
    assert found["states"] == {"closed": 2, "handling": 1}
    assert found["deadlines"] == {"overdue": 2, "met": 1}
    assert found["as_of"] == "2015-04-11T14:00:00Z"
    assert found["refused"] == {}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another configuration: spillage is merged within 5 m, is the law enforcers' and has a day."""
    folder = tmp_path / "other"
    copytree(ROOT / "config" / "cities", folder / "cities")
    path = folder / "cities/qingdao/catalogue/road_spillage.toml"
    text = path.read_text("utf-8")
    for was, now in (("radius_m = 50", "radius_m = 5"), ('lead = "sanitation"', 'lead = "law_enforcement"'), ("limit = 4", "limit = 8")):
        assert was in text
        text = text.replace(was, now, 1)
    path.write_text(text, "utf-8")
    return folder


def test_two_sets_of_rules_are_held_against_each_other(rehearse: Rehearse, tmp_path: Path, other: Path) -> None:
    made = rehearse(written(tmp_path / "morning.jsonl", morning()), "--against", other)
    assert made["a"]["rules"] != made["b"]["rules"]
    assert made["only_b"] > made["only_a"]
    first = made["opened_only_by_b"][0]
    assert first["by"] in ("same_place", "same_source")
    assert first["into"] is not None
    assert made["routed"] == {"sanitation-370202 -> law_enforcement-370202": made["both"] - 4}
    assert (made["later"], made["earlier"]) == (made["both"] - 4, 0)
    assert made["counts"]["verdicts"]["opened"] == [made["a"]["verdicts"]["opened"], made["b"]["verdicts"]["opened"]]
    filing = next(each for each in made["indicators"] if each["indicator"] == "filing_rate")
    assert filing["b"]["numerator"] - filing["a"]["numerator"] == made["only_b"]


def test_the_same_rules_make_no_difference(rehearse: Rehearse, tmp_path: Path) -> None:
    made = rehearse(written(tmp_path / "morning.jsonl", morning()), "--against", ROOT / "config" / "cities" / "qingdao")
    assert not any(made[name] for name in ("counts", "indicators", "only_a", "only_b", "routed", "later", "earlier", "ended"))
    assert made["both"] == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "/nowhere"), "neither a configuration"),
        (("--until", "tomorrow"), "no time with an offset"),
        (("--deadlines",), "needs --mapping"),
    ],
)
def test_a_mistake_is_answered_in_one_message(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["rehearse", str(written(tmp_path / "morning.jsonl", morning())), *words]) == 2
    assert said in capsys.readouterr().err


def test_the_short_way_into_the_evaluation_says_what_a_fact_on_the_topic_says(
    rehearse: Rehearse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts: list[Fact] = []

    def kept(fact: Fact) -> Event:
        facts.append(fact)
        return event_of(fact)

    monkeypatch.setattr("streams.rehearsal.account.event_of", kept)
    rehearse(written(tmp_path / "morning.jsonl", morning()))
    sheets = {fact.case_id: (Sheet(fact.case_id), Sheet(fact.case_id)) for fact in facts}
    for fact in facts:
        short, long = sheets[fact.case_id]
        assert short.take(event_of(fact), {}) == long.take(orjson.loads(encode_fact(fact)), {})
        assert short == long
    assert len(sheets) == 8

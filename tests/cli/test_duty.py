"""`cityloop duty`: who is there, and whom a case would call."""

import json

import pytest

from cli.main import run

FRIDAY_NIGHT = "2026-11-20T22:00+08:00"


def test_every_post_is_listed_with_who_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duty", "--at", FRIDAY_NIGHT, "--json"]) == 0
    there = {(row["unit"], row["level"]): row["people"] for row in json.loads(capsys.readouterr().out)}
    assert there["command_center-370202", "district"] == ["centre-370202-night"]
    assert there["sanitation-370202", "district"] == []
    assert len(there["command_center-city", "city"]) == 2


@pytest.mark.parametrize(
    ("asked", "unit", "at"),
    [
        ((), "sanitation-370202", "2026-11-23T00:00:00Z"),
        (("--emergency",), "command_center-370202", "2026-11-20T14:00:00Z"),
        (("--level", "city"), "command_center-city", "2026-11-20T14:00:00Z"),
        (("--level", "community"), "sanitation-370202", "2026-11-23T00:00:00Z"),
    ],
)
def test_a_case_calls_whom_the_roster_says(asked: tuple[str, ...], unit: str, at: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duty", "sanitation-370202", "--at", FRIDAY_NIGHT, "--json", *asked]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert (found["unit"], found["at"]) == (unit, at)
    assert found["people"] and found["why"]


def test_for_people_times_are_the_city_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duty", "sanitation-370202", "--at", FRIDAY_NIGHT]) == 0
    told = capsys.readouterr().out
    assert "2026-11-23 08:00" in told
    assert "环卫调度值班室 (sanitation-desk)" in told


@pytest.mark.parametrize(
    ("asked", "message"),
    [(["sanitaton-370202"], "did you mean 'sanitation-370202'?"), (["gas-city", "--level", "planet"], "unknown level")],
)
def test_a_name_that_is_none_is_told(asked: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duty", *asked]) == 2
    assert message in capsys.readouterr().err


def test_a_city_without_a_roster_calls_nobody(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CITYLOOP_CITY", "boston")
    assert run(["duty", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []

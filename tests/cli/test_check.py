"""`cityloop check` explains a city's folder to a person and to a program."""

import json
import shutil
from pathlib import Path

import pytest

from cli.main import run
from config.settings import ROOT


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Qingdao's folder, to be broken; the command reads this one."""
    folder = tmp_path / "cities" / "qingdao"
    shutil.copytree(ROOT / "config" / "cities" / "qingdao", folder)
    monkeypatch.setenv("CITYLOOP_CONFIG_DIR", str(tmp_path))
    return folder


@pytest.mark.parametrize("city", ["qingdao", "boston"])
def test_the_project_s_cities_are_right(city: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", city]) == 0
    assert f"{city} is right: " in capsys.readouterr().out


def test_a_mistake_is_a_line_with_its_place_and_exit_code_1(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spillage = copied / "catalogue" / "road_spillage.toml"
    text = spillage.read_text(encoding="utf-8").replace('lead = "sanitation"', 'lead = "sanitaton"', 1)
    spillage.write_text(text, encoding="utf-8")
    assert run(["check"]) == 1
    line = text.splitlines().index('lead = "sanitaton"') + 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"{spillage}:{line}: road_spillage: unknown unit kind 'sanitaton'; did you mean 'sanitation'?"


def test_a_program_reads_the_same_as_json(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "routes.toml").write_text('[[route]]\nkey = "x"\nlead = "nobody"\n', encoding="utf-8")
    assert run(["check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["city"], found["ok"], [problem["line"] for problem in found["problems"]]) == ("qingdao", False, [3])


def test_a_wrong_mapping_is_told(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "mappings").mkdir(exist_ok=True)
    (copied / "mappings" / "broken.toml").write_text("id = \n", encoding="utf-8")
    assert run(["check"]) == 1
    assert "mappings/broken.toml:1: " in capsys.readouterr().out


def test_outlines_that_are_missing_are_told(copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYLOOP_BOUNDARIES", str(copied / "none.geojson"))
    assert run(["check"]) == 1
    assert "none.geojson: cannot be read as GeoJSON" in capsys.readouterr().out


def test_an_unknown_city_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "atlantis"]) == 2
    assert "there are: boston, qingdao" in capsys.readouterr().err


@pytest.mark.parametrize(("begins", "years"), [("2026-10-20", []), ("2026-11-10", ["2027"]), ("2027-12-01", ["2027, 2028"])])
def test_a_calendar_that_ends_within_60_days_is_a_warning(
    begins: str, years: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITYLOOP_CLOCK", f"x600@{begins}T08:00+08:00")
    assert run(["check", "qingdao", "--json"]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert [warning.split("need ")[1].split(":")[0] for warning in warnings] == years
    assert all("calendar.toml ends with 2026" in warning for warning in warnings)


def test_hours_that_nobody_has_duty_in_are_a_warning(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYLOOP_CLOCK", "x600@2026-11-21T08:00+08:00")
    turns = copied / "duty.csv"
    text = turns.read_text("utf-8") + "command_center-370203,district,night,,2026-11-25\ncommand_center-370203,district,night,,2026-11-27\n"
    turns.write_text(text.replace("command_center-370202,district,night,centre-370202-night,\n", ""), encoding="utf-8")
    assert run(["check", "--json"]) == 0
    found = [each for each in json.loads(capsys.readouterr().out)["warnings"] if each.startswith("nobody")]
    there, end = "nobody is on duty at command_center", "in 28 days (docs/duty.md)"
    assert found == [
        f"{there}-370202 × district from 2026-11-21 00:00 to 2026-11-21 08:00 and 28 more: 336 h {end}",
        f"{there}-370203 × district from 2026-11-25 20:00 to 2026-11-26 08:00 and 1 more: 24 h {end}",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("+8653200000101,+86", "mobile,+86", "sms.to: string should match"),
        ("unit,role,sms", "unit,role,smms", "unknown kind of channel 'smms'; did you mean 'sms'?"),
    ],
)
def test_an_address_that_its_channel_cannot_use_is_told(
    copied: Path, capsys: pytest.CaptureFixture[str], right: str, wrong: str, message: str
) -> None:
    people = copied / "duty_people.csv"
    people.write_text(people.read_text("utf-8").replace(right, wrong, 1), encoding="utf-8")
    assert run(["check"]) == 1
    told = capsys.readouterr().out
    assert f"person 'centre-370202-day': {message}" in told
    assert "+86" not in told

"""duty.toml, duty.csv and duty_people.csv: what they come to, and every mistake with its place."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config.load import load_folder
from config.load_duty import load_duty, read_duty
from config.settings import ROOT, Settings
from incidents.duty import Roster, on_duty
from incidents.errors import ConfigError
from incidents.vocabulary import Role
from tests.config import small_city

TOML = """answers = "police"

[channels.sms]
url = "https://sms.example/send"

[[shift]]
key = "office"

[[shift]]
key = "night"
hours = "18:00-08:00"

[[person]]
key = "li"
name = "李强"
unit = "police-city"
sms = "+8613800000001"
voice = {to = "+8653200000001", times = 3}

[[turn]]
unit = "sanitation"
level = "district"
shift = "office"
people = ["li"]
begins = 2026-01-01

[[cover]]
unit = "police-city"
level = "city"
shift = "night"
"""
PEOPLE = (
    "key,name,unit,role,account,sms\nwang,王芳,police-city,dispatcher,wang.fang,+8613800000002\nsun,孙丽,sanitation-100,,,+8613800000003\n"
)
TURNS = """unit,level,shift,people,date
police-city,city,night,li wang,
police-city,city,night,wang,2026-11-21
police-city,city,night,,2026-11-22
"""


def folder(tmp_path: Path, toml: str = TOML, people: str = PEOPLE, turns: str = TURNS) -> Path:
    """The small city with a roster."""
    made = small_city.write(tmp_path)
    for name, text in (("duty.toml", toml), ("duty_people.csv", people), ("duty.csv", turns)):
        (made / name).write_text(text, encoding="utf-8")
    return made


def loaded(made: Path) -> Roster:
    """Its roster, which has no mistakes."""
    roster, problems = read_duty(made, load_folder(made))
    assert problems == []
    return roster


def test_people_and_turns_of_all_three_files_make_one_roster(tmp_path: Path) -> None:
    roster = loaded(folder(tmp_path))
    assert [(person.key, person.role, person.account) for person in roster.people] == [
        ("li", Role.LEADER, None),
        ("wang", Role.DISPATCHER, "wang.fang"),
        ("sun", Role.LEADER, None),
    ]
    assert [(turn.unit, turn.people) for turn in roster.turns] == [
        ("sanitation-100", ("li",)),
        ("sanitation-200", ("li",)),
        ("police-city", ("li", "wang")),
    ]
    single = ("police-city", "city", "night")
    assert roster.days == {(*single, date(2026, 11, 21)): ("wang",), (*single, date(2026, 11, 22)): ()}


def test_a_person_s_address_joins_what_is_the_same_for_everybody(tmp_path: Path) -> None:
    li, wang, _ = loaded(folder(tmp_path)).people
    assert li.channels == {
        "sms": {"url": "https://sms.example/send", "to": "+8613800000001"},
        "voice": {"to": "+8653200000001", "times": 3},
    }
    assert wang.channels == {"sms": {"url": "https://sms.example/send", "to": "+8613800000002"}}


def test_a_city_without_a_roster_has_nobody_on_duty(tmp_path: Path) -> None:
    assert read_duty(small_city.write(tmp_path), load_folder(tmp_path / "small")) == (Roster(), [])


def test_a_roster_changes_no_rule_of_the_city(tmp_path: Path) -> None:
    before = load_folder(small_city.write(tmp_path / "before")).rules
    assert load_folder(folder(tmp_path / "after")).rules == before


# file, what is right, what is written instead, the line, a part of the message
MISTAKES = {
    "an unknown table": ("duty.toml", "[[cover]]", "[[covers]]", None, "did you mean 'cover'?"),
    "an unknown answering kind": ("duty.toml", 'answers = "police"', 'answers = "polise"', 1, "did you mean 'police'?"),
    "hours that are none": ("duty.toml", "18:00-08:00", "18-8", 11, "hours.0 = '18-8'"),
    "a shift twice": ("duty.toml", 'key = "night"', 'key = "office"', 10, "stands twice"),
    "a turn of no shift": ("duty.toml", 'shift = "office"', 'shift = "ofice"', 23, "did you mean 'office'?"),
    "a turn of no unit": ("duty.toml", 'unit = "sanitation"', 'unit = "sanitaton"', 21, "did you mean 'sanitation'?"),
    "a turn of no level": ("duty.toml", 'level = "district"', 'level = "disrict"', 22, "did you mean 'district'?"),
    "a turn of a kind that is not there": ("duty.toml", 'unit = "sanitation"', 'unit = "police"', 21, "no police is of level district"),
    "a turn of nobody": ("duty.toml", '["li"]', '["lee"]', 24, "unknown person 'lee'; known: li, sun, wang"),
    "turns from no day": ("duty.toml", "begins = 2026-01-01", "rotate_days = 7", 25, "needs begins"),
    "a cover of no unit": ("duty.toml", 'unit = "police-city"\nlevel', 'unit = "polic"\nlevel', 28, "did you mean 'police'?"),
    "a person without channel": ("duty.toml", 'sms = "+8613800000001"\nvoice = {to = "+8653200000001", times = 3}\n', "", 13, "channels"),
    "a key with spaces": ("duty_people.csv", "wang,王芳", "wang fang,王芳", 2, "key = 'wang fang'"),
    "a person of no unit": ("duty_people.csv", "sanitation-100", "sanitation-300", 3, "unknown unit 'sanitation-300'"),
    "a role that sees nothing": ("duty_people.csv", "dispatcher", "resident", 2, "sees no case"),
    "a person twice": ("duty_people.csv", "sun,孙丽", "li,孙丽", 3, "stands twice"),
    "a column missing": ("duty_people.csv", "key,name,unit", "key,name,units", 1, "column unit is missing"),
    "a cell too many": ("duty_people.csv", "+8613800000003", "+8613800000003,x", 3, "more cells"),
    "a day that is none": ("duty.csv", "2026-11-21", "21.11.2026", 3, "like 2026-11-21"),
    "a turn of somebody unknown": ("duty.csv", "li wang", "li wong", 2, "did you mean 'wang'?"),
    "a turn of an unknown unit": ("duty.csv", "police-city,city,night,li", "polize-city,city,night,li", 2, "did you mean 'police-city'?"),
}


@pytest.mark.parametrize(("file", "right", "wrong", "line", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, file: str, right: str, wrong: str, line: int | None, message: str) -> None:
    made = folder(tmp_path)
    text = (made / file).read_text("utf-8")
    assert right in text
    (made / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    _, problems = read_duty(made, load_folder(made))
    found = [problem for problem in problems if message in problem.message]
    assert found, problems
    assert found[0].path.endswith(f"small/{file}")
    assert line is None or found[0].line == line


def test_files_in_other_encodings_are_told(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "duty_people.csv").write_bytes(PEOPLE.encode("gbk"))
    (made / "duty.csv").write_bytes("\ufeff".encode() + TURNS.encode())  # Excel's mark is no mistake
    _, problems = read_duty(made, load_folder(made))
    assert [problem.message.partition(":")[0] for problem in problems if problem.path.endswith("people.csv")] == ["is not UTF-8"]
    assert not [problem for problem in problems if "column" in problem.message]


def test_a_process_does_not_start_with_a_wrong_roster(tmp_path: Path) -> None:
    made = folder(tmp_path / "cities", toml=TOML.replace('answers = "police"', 'answers = "x"'))
    settings = Settings(config_dir=made.parent.parent, city="small")
    with pytest.raises(ConfigError, match="unknown unit kind 'x'"):
        load_duty(settings, load_folder(made))


def test_qingdao_has_somebody_at_every_escalation_day_and_night() -> None:
    city = load_folder(ROOT / "config" / "cities" / "qingdao")
    roster, problems = read_duty(ROOT / "config" / "cities" / "qingdao", city)
    assert problems == []
    night = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
    posts = [(f"command_center-{district.code}", "district") for district in city.districts] + [("command_center-city", "city")]
    assert all(on_duty(city, roster, unit, level, night) for unit, level in posts)

"""`cityloop rehearse --deadlines`: the city's clocks against the targets that a file published itself."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fit_limits
from cli.main import run
from cli.rehearse import compare
from config.load import load_city
from config.mappings import load_mapping
from config.settings import load_settings
from incidents.catalogue import City
from producers.published import Request, requests

ORACLE = Path(__file__).parents[3] / "shared" / "data" / "boston_311_2015_jan_aug.csv.gz"
HEAD = (
    "case_enquiry_id,open_dt,target_dt,closed_dt,ontime_status,case_status,subject,reason,type,department,neighborhood,ward,"
    "location_street_name,latitude,longitude,source\n"
)

Rehearsed = Callable[..., tuple[int, Any, str]]


def row(opened: str, target: str, closed: str, kept: str, kind: str = "Sign Repair") -> str:
    """One request of 2015."""
    return f"1,{opened},{target},{closed},{kept},Closed,s,r,{kind},d,n,w,1 City Hall Plz,42.36,-71.06,Self Service\n"


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Rehearsed]:
    """`rehearsed(row, …)` → exit code, what the command says of a file of these rows, stderr."""
    monkeypatch.setenv("CITYLOOP_CITY", "boston")

    def call(*rows: str) -> tuple[int, Any, str]:
        file = tmp_path / "requests.csv"
        file.write_text(HEAD + "".join(rows), encoding="utf-8")
        code = run(["rehearse", str(file), "--mapping", "boston", "--deadlines", "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out), said.err

    yield call


def test_a_target_counts_within_two_minutes_per_type_and_in_all(rehearsed: Rehearsed) -> None:
    # ten working days from Wednesday 2015-02-11, over Presidents' Day (16th): Thursday 26th
    code, found, _ = rehearsed(
        row("02/11/2015 10:00:00 AM", "02/26/2015 10:02:00 AM", "", ""),
        row("02/11/2015 10:00:00 AM", "02/26/2015 10:02:01 AM", "", ""),
        row("02/11/2015 10:00:00 AM", "02/12/2015 10:00:00 AM", "", "", "Pick up Dead Animal"),
    )
    types = {"Sign Repair": {"within_2_min": 1, "n": 2}, "Pick up Dead Animal": {"within_2_min": 1, "n": 1}}
    assert (code, found) == (0, {"overall": {"within_2_min": 2, "n": 3}, "types": types, "on_time_contradictions": 0})


def test_what_was_closed_by_its_target_and_called_overdue_is_a_contradiction(rehearsed: Rehearsed) -> None:
    target = "02/26/2015 10:00:00 AM"
    _, found, _ = rehearsed(
        row("02/11/2015 10:00:00 AM", target, target, "ONTIME"),
        row("02/11/2015 10:00:00 AM", target, target, "OVERDUE"),
        row("02/11/2015 10:00:00 AM", target, "02/26/2015 10:00:01 AM", "ONTIME"),
        row("02/11/2015 10:00:00 AM", target, "02/26/2015 10:00:01 AM", "OVERDUE"),
        row("02/11/2015 10:00:00 AM", target, "02/26/2015 10:00:01 AM", ""),
    )
    assert found["on_time_contradictions"] == 2


def test_what_cannot_be_counted_is_a_miss_and_told(rehearsed: Rehearsed) -> None:
    _, found, said = rehearsed(
        row("02/11/2015 10:00:00 AM", "02/26/2015 10:00:00 AM", "", "", "Dragon Sighting"),
        row("12/29/2017 10:00:00 AM", "01/10/2018 10:00:00 AM", "", ""),
    )
    assert found["overall"] == {"within_2_min": 0, "n": 2}
    assert "unknown category 'dragon_sighting'" in said
    assert "the calendar does not know 2017" in said


def test_a_request_without_a_target_is_not_compared(rehearsed: Rehearsed) -> None:
    assert rehearsed(row("02/11/2015 10:00:00 AM", "", "", "ONTIME"))[1]["overall"]["n"] == 0


def test_a_comparison_needs_a_mapping_that_says_what_was_published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYLOOP_CITY", "boston")
    file = tmp_path / "requests.csv"
    file.write_text(HEAD, encoding="utf-8")
    assert run(["rehearse", str(file), "--deadlines"]) == 2
    assert "--mapping" in capsys.readouterr().err


@cache
def oracle() -> tuple[City, tuple[Request, ...]]:
    """Boston, and the requests of its year that have a target; not committed, so skipped where it is not there."""
    if not ORACLE.exists():
        pytest.skip("the Boston requests are not at ../shared/data")
    settings = load_settings().model_copy(update={"city": "boston"})
    city = load_city(settings)
    return city, tuple(requests(ORACLE, load_mapping("boston", settings.config_dir, "boston"), city.code))


def test_the_published_targets_of_boston_are_reproduced() -> None:
    found = compare(*oracle())
    assert found.overall.n == 61_875
    assert found.overall.within_2_min >= 0.94 * found.overall.n
    for label in ("Sign Repair", "Pick up Dead Animal", "CE Collection"):
        assert found.types[label].within_2_min >= 0.99 * found.types[label].n
    assert found.on_time_contradictions == 0


def test_the_limits_of_boston_are_the_plain_fit() -> None:
    city, found = oracle()
    cast, _ = fit_limits.votes(city, found)
    for category, votes in cast.items():
        limit = fit_limits.chosen(votes)
        row = city.catalogue[category].condition(None)
        assert limit is None or (row.clock, row.limit) == limit, category

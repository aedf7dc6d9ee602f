"""`cityloop routes`: the table and its hits, why a case went where it did, precedents, and trials with an exit code."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.bus import Out, Publisher
from cli.main import run
from config.settings import Settings
from config.topics import PRECEDENTS
from incidents.case import Fact, Precedent
from incidents.commands import Grounds
from incidents.vocabulary import FactType, State
from tests.cli.conftest import Cityloop
from tests.streams.fact_agents import a_fact, tell
from tests.waiting import until

GROUNDS = Grounds(rule="route:oil_on_the_road", zh="因为", en="because")


def dispatched(number: int, rule: str | None) -> Fact:
    """A fact `dispatched` of now, by this rule."""
    fact = a_fact(number, 3, FactType.DISPATCHED, State.DISPATCHED)
    case = fact.case.model_copy(update={"unit": "traffic_police-370202", "route": rule, "grounds": GROUNDS if rule else None})
    return fact.model_copy(update={"at": datetime.now(UTC), "changes": {"rule": rule} if rule else {}, "case": case})


def test_the_table_needs_no_server(cityloop: Cityloop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYLOOP_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    code, rows, _ = cityloop("routes", "list", "--json")
    assert code == 0
    assert rows[0]["key"] == "chengyang_patrol"
    assert rows[0]["wants"] == {"domain": "street_order", "district": "370214", "hours": "07:00-22:00"}
    assert rows[0]["decides"] == {"nearest": ["patrol_vehicle"], "within_m": 5000}
    assert "oil_on_the_road" in cityloop("routes", "list")[1]


@pytest.mark.stack
def test_hits_are_counted_from_the_facts_and_what_never_matched_is_named(cityloop: Cityloop, settings: Settings) -> None:
    told = [dispatched(1, GROUNDS.rule), dispatched(2, f"{GROUNDS.rule}+nearest:drone-370214-1"), dispatched(3, None), a_fact(4)]
    asyncio.run(tell(settings, told))
    _, rows, _ = cityloop("routes", "list", "--hits", "--json")
    assert {row["key"]: row["hits"] for row in rows if row["hits"]} == {"oil_on_the_road": 2}
    code, answer, _ = cityloop("routes", "unused", "--json")
    assert code == 1
    assert "chengyang_patrol" in answer["unused"]
    assert "oil_on_the_road" not in answer["unused"]
    assert len(answer["unused"]) == len(rows) - 1


@pytest.mark.stack
def test_a_case_says_why_it_went_where_it_went(cityloop: Cityloop, settings: Settings) -> None:
    fact = dispatched(1, GROUNDS.rule).model_copy(update={"sequence": 1})
    asyncio.run(tell(settings, [fact]))
    code, said, _ = cityloop("routes", "why", fact.case_id)
    assert code == 0
    for words in ("traffic_police-370202: route:oil_on_the_road", "因为", "because", "oil_on_the_road: condition = oil: it is not known"):
        assert words in said
    assert cityloop("routes", "why", "QD-20261121-NOSUCHCASE")[0] == 2


@pytest.mark.stack
def test_a_precedent_is_listed_until_it_is_forgotten(cityloop: Cityloop, settings: Settings) -> None:
    fact = a_fact()
    found = Precedent(case_id=fact.case_id, category="street_stall", district="370214", unit="police-370214", by="arbiter-1", at=fact.at)
    asyncio.run(_publish(settings, Out(settings.named(PRECEDENTS.name), b"street_stall|370214", found.model_dump_json().encode())))
    [row] = cityloop("routes", "precedents", "--json")[1]
    assert (row["key"], row["unit"]) == ("street_stall|370214", "police-370214")
    assert cityloop("routes", "forget", "street_stall|1")[0] == 2
    assert cityloop("routes", "forget", "street_stall|370214")[0] == 0
    until(lambda: cityloop("routes", "precedents", "--json")[1] == [], "no precedent")


async def _publish(settings: Settings, out: Out) -> None:
    publisher = Publisher(settings.kafka_bootstrap)
    await publisher.publish([out])
    await publisher.close()


def test_trials_that_hold_exit_with_0_and_others_with_1_naming_each_difference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["routes", "test"]) == 0
    assert "12 tried, 0 otherwise than expected" in capsys.readouterr().out
    file = tmp_path / "mine.toml"
    file.write_text('[[case]]\nname = "oil"\nat = 2026-11-23T10:00:00\ncategory = "road_spillage"\nlon = 120.38\nlat = 36.07\n'
                    '[case.expect]\nunit = "gas-city"\nlimit = "1 work_hour"\n', "utf-8")  # fmt: skip
    assert run(["routes", "test", str(file)]) == 1
    said = capsys.readouterr().out
    assert "mine.toml:8: oil: unit is sanitation-370202, expected gas-city" in said
    assert "mine.toml:9: oil: limit is 4 work_hour, expected 1 work_hour" in said
    assert run(["routes", "test", str(tmp_path / "none.toml")]) == 2

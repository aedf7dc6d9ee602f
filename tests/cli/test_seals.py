"""`cityloop seals`: what is sealed is opened for a purpose, erased on request and when it is due; the journal has each."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import insert

from adapters.database import Database, open_database
from adapters.seal_keys import TABLE
from adapters.seals import open_sealer
from cli.main import run
from config.settings import Settings
from incidents.commands import Personal
from incidents.steps import intake
from tests.adapters.test_case_tables import tables_of, told
from tests.adapters.test_seals import PLAIN, encoded
from tests.conftest import Place, environment
from tests.journeys.messages import send_raw

Run = Callable[..., tuple[int, Any, str]]
CASE = "QD-20261121-0000000001"
PURPOSE = ("--purpose", "call back about case 1207")


@pytest.fixture
def cityloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Settings], Run]:
    """`cityloop(settings)("seals", "expire", "--json")` → exit code, stdout (parsed when it is JSON), stderr."""

    def at(settings: Settings) -> Run:
        for name, value in environment(settings).items():
            monkeypatch.setenv(name, value)

        def call(*words: str) -> tuple[int, Any, str]:
            capsys.readouterr()
            code = run(words)
            said = capsys.readouterr()
            return code, json.loads(said.out) if said.out[:1] in ("{", "[") else said.out, said.err

        return call

    return at


@pytest.fixture
def world(tmp_path: Path) -> Settings:
    """A city without engines, with a case that says a plate and a household."""
    settings = Place(tmp_path, "nowhere:1", "redis://nowhere:1").settings()
    with open_sealer(settings) as sealer, closing(open_database(settings)) as database:
        event = intake.read(sealer.seal_value(encoded(**PLAIN)))
        personal = Personal(source="/app", id="r1", values=intake.seals(event["data"]))
        tables_of(database).take([told(1, 1, personal=(personal,))])
    return settings


def journal(cityloop: Run) -> list[tuple[str, Any]]:
    _, found, _ = cityloop("journal", "show", "--json")
    return [(each["kind"], each["what"]) for each in reversed(found)]


def test_a_case_is_opened_for_a_purpose_that_stands_in_the_journal(cityloop: Callable[[Settings], Run], world: Settings) -> None:
    call = cityloop(world)
    code, found, _ = call("seals", "open", CASE, *PURPOSE, "--json")
    assert code == 0 and {each["where"].removeprefix("personal.0.values."): each["value"] for each in found} == {
        "plate": "鲁B12345",
        "building.unit": "2",
        "building.floor": 11,
    }
    [(kind, what)] = journal(call)
    assert kind == "unsealed" and (what["case_id"], what["purpose"]) == (CASE, PURPOSE[1])
    assert "鲁B12345" in call("seals", "open", CASE, *PURPOSE)[1]


@pytest.mark.parametrize(
    ("words", "says"), [(("QD-1", *PURPOSE), "there is no case 'QD-1'"), ((CASE, "--purpose", " check   "), "at least 10")]
)
def test_a_wrong_place_or_no_purpose_opens_nothing(
    cityloop: Callable[[Settings], Run], world: Settings, words: tuple[str, ...], says: str
) -> None:
    call = cityloop(world)
    code, _, error = call("seals", "open", *words)
    assert code == 2 and says in error and journal(call) == []


def test_erasing_wants_to_be_meant_and_cannot_be_undone(cityloop: Callable[[Settings], Run], world: Settings) -> None:
    call = cityloop(world)
    code, _, error = call("seals", "erase", CASE, "--reason", "asked for by the caller")
    assert code == 2 and "add --yes" in error and journal(call) == []
    assert call("seals", "erase", CASE, "--reason", "asked for by the caller", "--yes", "--json")[1] == {
        "place": CASE,
        "values": 3,
        "keys": 1,
    }
    _, found, _ = call("seals", "open", CASE, *PURPOSE, "--json")
    assert all(each["value"] is None and each["why"].startswith("erased on 20") for each in found)
    assert [kind for kind, _ in journal(call)] == ["erased", "unsealed"]


def test_expiring_takes_what_is_due_and_nothing_else(cityloop: Callable[[Settings], Run], world: Settings) -> None:
    assert cityloop(world)("seals", "expire", "--json")[1] == {"keys": 0}
    with closing(open_database(world)) as database:
        make_due(database)
    assert cityloop(world)("seals", "expire", "--json")[1] == {"keys": 2}


def make_due(database: Database) -> None:
    """Two keys whose last day was long ago."""
    with database.write() as connection:
        for number in range(2):
            connection.execute(insert(TABLE).values(id=f"20200101-K{number}", wrapped=b"w", wrapped_by="0"))


@pytest.mark.stack
def test_a_rejected_report_is_opened_where_it_lies(cityloop: Callable[[Settings], Run], settings: Settings) -> None:
    call = cityloop(settings)
    broken = encoded(**PLAIN)[:-9]
    with open_sealer(settings) as sealer:
        sealed, whole = sealer.seal_value(encoded(**PLAIN)), sealer.seal_value(broken)
    for value in (sealed, whole, orjson.dumps({"never": "sealed"}), None):
        [sent] = send_raw(settings, [(b"k", value)], topic="incidents.rejected")
        code, found, error = call("seals", "open", f"{sent.partition}:{sent.offset}", *PURPOSE, "--json")
        assert code == 0
        if value is sealed:
            assert {"鲁B12345", 11, "王芳"} <= {each["value"] for each in found}
        elif value is whole:
            assert [each["value"] for each in found] == [broken.decode()]
        else:
            assert found == [] and "nothing in it is sealed" in error

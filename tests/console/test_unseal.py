"""Unsealing: a right, a scope and a purpose; the journal before the answer; what is erased stays erased, with its date."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from adapters.case_query import CaseQuery
from adapters.database import Database, open_database
from adapters.journal_reading import Wanted, entries
from adapters.seal_keys import KeyStore
from adapters.seals import Sealer, expire
from config.settings import Settings
from console.access import Access
from console.problems import add_problems
from console.routes import unseal
from incidents.commands import Personal, Place
from incidents.errors import TryAgain
from incidents.masking import masked
from incidents.rights import EVERYTHING
from incidents.steps import intake
from incidents.vocabulary import Role
from tests.adapters.cases_asked import CITY
from tests.adapters.test_case_tables import tables_of, told
from tests.adapters.test_seals import CITY as SECRET
from tests.adapters.test_seals import PLAIN, WRAPPING, Clock, encoded
from tests.console.door import a_door, a_journal, bearer
from tests.console.serving import served
from tests.streams.fact_agents import AT

CASE = "QD-20261121-0000000001"
PURPOSE = "回访来电人，核实处理结果"
FOREIGN = {"sealed": "c2VhbGVk", "key": "k1", "match": "m"}
VALUES = {
    "personal.0.values.plate": "鲁B12345",
    "personal.0.values.building.unit": "2",
    "personal.0.values.building.floor": 11,
    "statements.0.reporter.name": "王芳",
    "statements.0.reporter.phone": "13800138000",
    "statements.1.reporter.phone": "13900139000",
}


class Desk:
    """A console with this one route over a case in Shinan that two people reported, the second in another system's seal for the name."""

    def __init__(self, folder: Path, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.sealer = Sealer(KeyStore(database, WRAPPING, 30, clock), SECRET)
        self.reports = [self._report(1, **PLAIN), self._report(2, reporter={"name": FOREIGN, "phone": "13900139000"})]
        personal = Personal(source="/app", id="r1", values=intake.seals(self.reports[0]["data"]))
        said = tuple(intake.statement(each, AT) for each in self.reports)  # type: ignore[arg-type]  # the shape that intake reads
        place = Place(lon=120.38, lat=36.07, accuracy_m=15, district="370202")
        tables_of(database).take([told(1, 1, statements=said, personal=(personal,), place=place)])
        self.settings = Settings(local_dir=folder, city="qingdao", redis_url="redis://127.0.0.1:1/0")
        self.access: Access = a_door(self.settings, CITY, database)
        self.journal = a_journal(self.settings, database, folder)

    def _report(self, number: int, **data: Any) -> dict[str, Any]:
        value = self.sealer.seal_value(encoded(number, **data))
        return dict(intake.read(value))

    def app(self) -> FastAPI:
        query = CaseQuery(self.database, CITY, lambda: AT)
        world: Any = SimpleNamespace(access=self.access, journal=self.journal, query=query, sealer=self.sealer)
        app = FastAPI()
        app.state.world = world
        add_problems(app)
        app.include_router(unseal.router(world))
        return app

    def entries(self) -> list[dict[str, Any]]:
        found = entries(self.database, self.journal.city, EVERYTHING, Wanted(), 100)
        return [{"kind": each["kind"], **each["what"]} for each in reversed(found)]


@contextmanager
def a_desk(folder: Path) -> Iterator[tuple[Desk, httpx.Client]]:
    with closing(open_database(Settings(database_url=f"sqlite:///{folder / 'desk.sqlite'}"))) as database:
        database.upgrade()
        desk = Desk(folder, database, Clock())
        with closing(desk.journal), served(desk.app()) as client:
            yield desk, client


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Desk, httpx.Client]]:
    with a_desk(tmp_path) as made:
        yield made


def ask(
    made: tuple[Desk, httpx.Client], role: Role = Role.DISPATCHER, case: str = CASE, place: dict[str, Any] | None = None, **body: Any
) -> httpx.Response:
    desk, client = made
    headers = bearer(desk.access, role, **(place or {}))
    return client.post(f"/api/v1/cases/{case}/unseal", json={"purpose": PURPOSE} | body, headers=headers)


def test_who_may_gets_exactly_what_was_sent_in_and_the_journal_has_it_first(made: tuple[Desk, httpx.Client]) -> None:
    answer = ask(made)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.json()["values"] == VALUES and answer.json()["erased"] == {}
    assert list(answer.json()["unreadable"]) == ["statements.1.reporter.name"]
    [entry] = made[0].entries()
    assert entry["kind"] == "unsealed" and entry["purpose"] == PURPOSE and entry["case_id"] == CASE and entry["district"] == "370202"
    assert entry["fields"] == ["building.floor", "building.unit", "plate", "reporter.name", "reporter.phone"]
    assert not any(str(value) in str(entry) for value in ("鲁B12345", "王芳", "13800138000"))
    assert answer.json()["entry"] == 1


@pytest.mark.parametrize(("fields", "opened"), [(["plate"], 1), (["reporter"], 3), (["building.floor", "plate"], 2)])
def test_only_what_was_asked_for_is_opened(made: tuple[Desk, httpx.Client], fields: list[str], opened: int) -> None:
    assert len(ask(made, fields=fields).json()["values"]) == opened


REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "a checker": (403, {"role": Role.CHECKER}),
    "an auditor": (403, {"role": Role.AUDITOR}),
    "a leader": (403, {"role": Role.LEADER}),
    "another district": (404, {"place": {"district": "370203", "level": "district"}}),
    "a unit that has nothing to do with it": (404, {"role": Role.UNIT, "place": {"unit": "police-city"}}),
    "no such case": (404, {"case": "QD-20261121-0000000009"}),
    "no purpose": (422, {"purpose": ""}),
    "hardly a purpose": (422, {"purpose": "   check    "}),
    "an unknown field": (422, {"fields": ["description"]}),
    "more than is known": (422, {"more": 1}),
}


@pytest.mark.parametrize(("status", "asked"), REFUSED.values(), ids=REFUSED)
def test_nobody_else_and_without_a_purpose_nobody_gets_anything(
    made: tuple[Desk, httpx.Client], status: int, asked: dict[str, Any]
) -> None:
    answer = ask(made, **asked)
    assert answer.status_code == status and "13800138000" not in answer.text
    assert made[0].entries() == []


def test_without_a_journal_nothing_is_opened(made: tuple[Desk, httpx.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> int:
        raise TryAgain("the database: it is away")

    monkeypatch.setattr(made[0].journal, "append", away)
    monkeypatch.setattr(made[0].sealer, "open", lambda _: pytest.fail("opened without an entry"))
    assert ask(made).status_code == 503


def test_what_is_erased_is_told_with_its_day_beside_what_is_not(made: tuple[Desk, httpx.Client]) -> None:
    desk = made[0]
    desk.sealer.keys.erase([desk.reports[0]["data"]["plate"]["key"]])
    answer = ask(made).json()
    assert answer["values"] == {"statements.1.reporter.phone": "13900139000"}
    assert set(answer["erased"]) == VALUES.keys() - answer["values"].keys() and set(answer["erased"].values()) == {"2026-11-21"}


def test_when_all_is_erased_the_answer_is_410_and_still_in_the_journal(made: tuple[Desk, httpx.Client]) -> None:
    desk = made[0]
    desk.clock.go(31)
    answer = ask(made, fields=["plate", "building.floor"])
    assert answer.status_code == 410 and answer.json()["erased"]["personal.0.values.plate"] == "2026-12-21"
    assert expire(desk.sealer, desk.journal) == 500 and expire(desk.sealer, desk.journal) == 0
    assert ask(made, fields=["plate"]).status_code == 410
    assert [each["kind"] for each in desk.entries()] == ["unsealed", "erased", "unsealed"]
    assert desk.entries()[1]["keys"] == 500


def test_the_case_itself_is_shown_masked(made: tuple[Desk, httpx.Client]) -> None:
    desk = made[0]
    found = CaseQuery(desk.database, CITY, lambda: AT).case(EVERYTHING, CASE)
    assert found is not None
    shown = masked(found.case)
    match = desk.sealer.match("reporter.phone", "138 0013 8000")
    assert shown["statements"][0]["reporter"]["phone"] == {"masked": True, "match": match[:8]}
    assert not any(key in str(shown) for key in ("sealed", desk.reports[0]["data"]["plate"]["key"]))

"""The SQL tables over the real Kafka: kept by a worker, behind the feed never, filled again by themselves and by hand, away and back."""

import contextlib
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from adapters.case_filter import Filter
from adapters.case_keeper import CaseTables
from adapters.case_query import CaseQuery
from adapters.database import Database, open_database
from config.load import load_city
from config.settings import Settings
from incidents.events import CaseId
from incidents.rights import EVERYTHING
from incidents.vocabulary import State
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import facts, of_case
from tests.journeys.process import ask
from tests.journeys.test_closure_kills import WHOLE, give, life
from tests.servers import Server
from tests.waiting import until

CASES = tuple(CaseId(f"QD-20261121-TT{number:08}") for number in range(4))
ROLES = ("--only", "closure,projection")


@pytest.fixture
def here(settings: Settings, database_url: str) -> Settings:
    """The test's settings, on each database in turn."""
    return settings.model_copy(update={"database_url": database_url})


@contextlib.contextmanager
def asking(settings: Settings) -> Iterator[tuple[CaseQuery, Database]]:
    """The console's view."""
    with contextlib.closing(open_database(settings)) as database:
        database.upgrade()
        yield CaseQuery(database, load_city(settings), lambda: datetime.now(UTC)), database


def closed(query: CaseQuery) -> set[str]:
    return {row["case_id"] for row in query.cases(EVERYTHING, Filter(status=(State.CLOSED,))).rows}


def histories(query: CaseQuery) -> dict[str, list[str]]:
    return {case_id: [fact["type"] for fact in query.facts(EVERYTHING, case_id) or []] for case_id in CASES[:2]}


def test_a_worker_keeps_the_tables_and_fills_them_again_when_they_are_emptied(here: Settings, worker: NewWorker) -> None:
    first = worker(here, *ROLES)
    for case_id in CASES[:2]:
        give(here, life(case_id))
    with asking(here) as (query, database):
        until(lambda: closed(query) == set(CASES[:2]), "two closed cases in the tables")
        assert histories(query) == dict.fromkeys(CASES[:2], WHOLE)
        until(lambda: first.metric("cityloop_consumer_lag_records", role="projection") == 0, "everything told")
        first.stop()
        with database.write() as connection:
            connection.execute(text("UPDATE about_cases SET version = 'an older one'"))
        give(here, life(CASES[2]))
        worker(here, *ROLES)
        until(lambda: closed(query) == set(CASES[:3]) and CaseTables(database).is_complete(), "tables filled again by themselves")
        assert histories(query) == dict.fromkeys(CASES[:2], WHOLE)


def test_by_hand_the_tables_are_made_anew_from_the_log(settings: Settings, worker: NewWorker) -> None:
    working = worker(settings, *ROLES)
    give(settings, life(CASES[0]))
    facts(settings, lambda seen: "closed" in of_case(seen, CASES[0]))
    with asking(settings) as (query, database):
        until(lambda: closed(query) == {CASES[0]}, "a closed case in the tables")
        working.stop()
        with database.write() as connection:
            connection.execute(text("UPDATE cases SET state = 'void'"))
        done = ask(settings, "rebuild", "--tables", "--json")
        assert json.loads(done.stdout)["facts"] == len(WHOLE), done.stderr
        assert closed(query) == {CASES[0]}


def test_while_the_database_is_away_closure_goes_on_and_the_tables_follow(
    settings: Settings, worker: NewWorker, postgres_own: tuple[str, Server]
) -> None:
    url, server = postgres_own
    settings = settings.model_copy(update={"database_url": url})
    working = worker(settings, *ROLES)
    server.stop(signal.SIGINT)
    give(settings, life(CASES[0]))
    facts(settings, lambda seen: "closed" in of_case(seen, CASES[0]))
    until(lambda: working.roles() == {"closure": True, "projection": False}, "the projection to wait")
    server.start()
    with asking(settings) as (query, _):
        until(lambda: closed(query) == {CASES[0]}, "the closed case in the tables")
    working.until_ready()

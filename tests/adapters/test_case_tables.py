"""The writer of the case tables, on both databases: in whatever batches and order facts come, the tables end as the log tells them."""

import importlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select, text

from adapters.case_keeper import CaseTables
from adapters.case_rows import Told, read_fact
from adapters.case_tables import CASES, DOCUMENTS, FACTS, INVOLVED
from adapters.database import METADATA, Database
from config.settings import ROOT
from incidents.audit import Span
from incidents.errors import BadCommand
from incidents.facts import encode_fact
from incidents.vocabulary import FactType, State
from tests.streams.fact_agents import a_fact

TOPIC = "topic-1"


def told(number: int, sequence: int, offset: int = 0, **changes: Any) -> Told:
    """A fact of case `number` as the log has it, its case changed."""
    fact = a_fact(number, sequence)
    return read_fact(encode_fact(fact.model_copy(update={"case": fact.case.model_copy(update=changes)})), 0, offset)


def tables_of(database: Database) -> CaseTables:
    tables = CaseTables(database)
    tables.prepare(TOPIC, {0: Span(0, 0)})
    return tables


@contextmanager
def listening(what: str, listener: Callable[..., Any]) -> Iterator[None]:
    event.listen(Engine, what, listener)
    yield
    event.remove(Engine, what, listener)


def rows(database: Database, table: Any = CASES) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]


def sequences(database: Database) -> dict[str, int]:
    return {row["case_id"]: row["sequence"] for row in rows(database)}


def test_what_the_revisions_make_is_what_every_area_s_module_says(databases: Database) -> None:
    for module in (ROOT / "adapters").glob("*.py"):
        if "METADATA" in module.read_text("utf-8"):
            importlib.import_module(f"adapters.{module.stem}")
    with databases.read() as connection:
        ours = {"include_object": lambda thing, name, kind, *_: kind != "table" or name in METADATA.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), METADATA) == []


def test_a_case_has_one_row_and_every_fact_of_it_is_kept(databases: Database) -> None:
    tables_of(databases).take([told(1, 1), told(1, 2, state=State.FILED), told(2, 1)])
    assert sequences(databases) == {"QD-20261121-0000000001": 2, "QD-20261121-0000000002": 1}
    assert [row["sequence"] for row in rows(databases, FACTS)] in ([1, 2, 1], [1, 1, 2])
    assert {row["state"] for row in rows(databases)} == {"filed", "reported"}
    assert sorted(json.loads(row["json"])["sequence"] for row in rows(databases, DOCUMENTS)) == [1, 2]


def test_an_older_fact_moves_nothing_back_and_is_kept_all_the_same(databases: Database) -> None:
    tables = tables_of(databases)
    tables.take([told(1, 3, state=State.CLOSED)])
    tables.take([told(1, 1), told(1, 2)])
    assert sequences(databases) == {"QD-20261121-0000000001": 3}
    assert [row["sequence"] for row in rows(databases, FACTS)] == [1, 2, 3]
    assert json.loads(rows(databases, DOCUMENTS)[0]["json"])["state"] == "closed"


def test_of_a_case_that_moves_only_what_is_another_now_is_written(databases: Database) -> None:
    tables = tables_of(databases)
    tables.take([told(1, 1), told(2, 1)])
    before = rows(databases)
    said: list[str] = []
    with listening("before_cursor_execute", lambda _connection, _cursor, statement, *_: said.append(statement)):
        tables.take([told(1, 2, confidence=0.5), told(2, 2, state=State.FILED)])
    changed = [{name for name in old if old[name] != new[name]} for old, new in zip(before, rows(databases), strict=True)]
    assert changed[0] >= {"sequence", "confidence"} and changed[1] >= {"sequence", "state"} and "category" not in changed[0] | changed[1]
    updates = [statement for statement in said if statement.startswith("UPDATE cases")]
    assert [set(re.findall(r"(\w+)=", statement.partition("WHERE")[0])) for statement in updates] == changed


BATCHES = st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=6), min_size=1, max_size=6)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_whatever_comes_in_whatever_batches_the_highest_sequence_stands(databases: Database, batches: Sequence[Any]) -> None:
    tables = CaseTables(databases)
    tables.prepare("another topic", {})
    tables.prepare(TOPIC, {})
    for batch in batches:
        tables.take([told(number, sequence) for number, sequence in batch])
    highest: dict[str, int] = {}
    for number, sequence in (fact for batch in batches for fact in batch):
        highest[f"QD-20261121-{number:010}"] = max(sequence, highest.get(f"QD-20261121-{number:010}", 0))
    assert sequences(databases) == highest
    assert len(rows(databases, FACTS)) == len({fact for batch in batches for fact in batch})


def test_who_leads_and_who_assists_follows_the_case(databases: Database) -> None:
    tables = tables_of(databases)
    tables.take([told(1, 1, unit="a", assisting=("b", "c"))])
    tables.take([told(1, 2, unit="b", assisting=("d",))])
    assert [row["unit"] for row in rows(databases, INVOLVED)] == ["b", "d"]


def test_cases_of_one_moment_have_numbers_of_their_own(databases: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.case_keeper.number_of", lambda case_id, opened_ms: opened_ms * 4096)
    tables = tables_of(databases)
    tables.take([told(1, 1), told(2, 1)])
    tables.take([told(3, 1)])
    numbers = [row["number"] for row in rows(databases)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_what_was_not_seen_of_the_log_is_a_gap_until_it_is_filled(databases: Database) -> None:
    tables = tables_of(databases)
    tables.take([told(1, 1, offset=0)])
    tables.take([told(1, 4, offset=3)])
    assert tables.gaps() == {0: Span(1, 3)}
    tables.fill([told(1, 2, offset=1)], {0: Span(2, 3)})
    assert tables.gaps() == {0: Span(2, 3)}
    tables.fill([told(1, 3, offset=2)], {0: Span(3, 3)})
    assert tables.gaps() == {}
    assert [row["sequence"] for row in rows(databases, FACTS)] == [1, 2, 3, 4]


def test_empty_tables_lack_what_the_group_has_read(databases: Database) -> None:
    tables = CaseTables(databases)
    tables.prepare(TOPIC, {0: Span(5, 20), 1: Span(0, 0)})
    assert tables.gaps() == {0: Span(5, 20)}
    tables.prepare(TOPIC, {0: Span(5, 20)})
    tables.take([told(1, 1, offset=20)])
    assert tables.gaps() == {0: Span(5, 20)}


def test_another_topic_or_version_empties_the_tables(databases: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tables_of(databases).take([told(1, 1)])
    tables_of(databases)
    assert len(rows(databases)) == 1
    monkeypatch.setattr("adapters.case_keeper.SCHEMA", "next")
    tables_of(databases)
    assert rows(databases) == rows(databases, FACTS) == []


def test_starting_anew_goes_on_where_it_was_left(databases: Database) -> None:
    tables = tables_of(databases)
    tables.take([told(1, 1)])
    tables.start_anew(TOPIC, {0: Span(0, 3)})
    assert (rows(databases), tables.gaps()) == ([], {0: Span(0, 3)})
    tables.fill([told(1, 1)], {0: Span(1, 3)})
    tables.start_anew(TOPIC, {0: Span(0, 3)})
    assert (len(rows(databases)), tables.gaps()) == (1, {0: Span(1, 3)})


def test_words_follow_the_case_and_hold_no_number_of_a_person(databases: Database) -> None:
    tables = tables_of(databases)
    said = "积水，联系13800001111或0532-8888 9999，鲁B12345"
    tables.take([told(1, 1, description=said)])
    tables.take([told(1, 2, description=said, unit="drainage")])
    with databases.read() as connection:
        [words] = connection.execute(text("SELECT words FROM case_words")).scalars()
    assert "积水" in words.split() and "unit_drainage" in words.split()
    assert not any(part in words for part in ("138", "8888", "b123"))


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b'{"type":"city.case.opened.v1","data":{}}', b"\xff"])
def test_what_is_no_fact_is_told_apart(value: bytes | None) -> None:
    with pytest.raises(BadCommand):
        read_fact(value)


@pytest.mark.parametrize(
    ("old", "new"), [("reported", "gone"), ("low_video", "smoke"), ("normal", "dire"), ('"sequence":1', '"sequence":"1"')]
)
def test_a_case_that_no_program_wrote_is_no_fact(old: str, new: str) -> None:
    value = encode_fact(a_fact()).decode().replace(old, new)
    with pytest.raises(BadCommand):
        read_fact(value.encode())


def test_a_text_with_a_null_character_is_kept_without(databases: Database) -> None:
    place = a_fact().case.place.model_copy(update={"address": "A\0B"})
    tables_of(databases).take([told(1, 1, place=place, description="x\0y")])
    assert rows(databases)[0]["address"] == "AB"


def test_every_fact_of_the_enumeration_is_kept(databases: Database) -> None:
    values = [encode_fact(a_fact(1, at, fact)) for at, fact in enumerate(FactType, 1)]
    tables_of(databases).take([read_fact(value, 0, at) for at, value in enumerate(values)])
    assert {row["type"] for row in rows(databases, FACTS)} == set(FactType)

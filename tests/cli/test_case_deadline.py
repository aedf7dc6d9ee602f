"""`cityloop case deadline`: why a case is due when it is, for people in two languages and for programs."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.case_files import hot_store
from adapters.case_store import Move, RedisCases
from config.load import load_city
from config.settings import Settings
from incidents import clocks
from incidents.catalogue import ClockKind, Condition, Named
from tests.audit.records import History
from tests.cli.conftest import Cityloop

pytestmark = pytest.mark.stack

FOUR_HOURS = Condition(key="c", name=Named(zh="条件", en="condition"), clock=ClockKind.WORK_HOUR, limit=4)


@pytest.fixture
def stored(history: History, settings: Settings) -> History:
    """A dispatched case with four working hours from Friday 17:00, and one that is not filed yet."""
    filed_at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    running = history.case(history.a, 3, "dispatched", 3).model_copy(update=clocks.begun(load_city(settings), FOUR_HOURS, filed_at))

    async def store() -> None:
        async with hot_store(settings) as hot:
            await RedisCases(hot).apply([Move(None, running), Move(None, history.case(history.b, 2, "reported", 3))])

    asyncio.run(store())
    return history


def test_people_read_every_interval_with_its_reason(cityloop: Cityloop, stored: History) -> None:
    code, said, _ = cityloop("case", "deadline", stored.a)
    assert code == 0
    for words in ("4 工作时 work hours", "工作时间 Working time", "下班 After hours", "周末 Weekend", "2026-11-23 11:00:00"):
        assert words in said


def test_programs_get_spans_in_utc_and_seconds(cityloop: Cityloop, stored: History) -> None:
    code, story, _ = cityloop("case", "deadline", stored.a, "--json")
    assert (code, story["due_at"], story["limit_s"], story["counted_s"]) == (0, "2026-11-23T03:00:00Z", 14400, 14400)
    assert [span["why"] for span in story["spans"]] == ["working", "night", "weekend", "night", "working"]


def test_a_case_without_a_limit_and_an_unknown_one_say_so(cityloop: Cityloop, stored: History) -> None:
    code, _, said = cityloop("case", "deadline", stored.b)
    assert code == 1
    assert "no limit runs" in said
    assert cityloop("case", "deadline", "QD-20261121-NOSUCHCASE")[0] == 2

"""`cityloop case`: one case with its story, many in a table, a command and its answer, an export."""

import asyncio

import pytest

from adapters import reader
from adapters.case_files import hot_store
from adapters.case_store import Move, RedisCases
from adapters.hot import Keys, connect
from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.case import Case
from incidents.commands import Outcome
from incidents.facts import decode_command
from tests.audit.records import History
from tests.cli.conftest import Cityloop

pytestmark = pytest.mark.stack


@pytest.fixture
def stored(history: History, settings: Settings) -> History:
    """The history with both cases in the hot store, as closure leaves them."""

    async def store(cases: list[Case]) -> None:
        async with hot_store(settings) as hot:
            await RedisCases(hot).apply([Move(None, case) for case in cases])

    asyncio.run(store([history.case(history.a, 3, "dispatched", 3), history.case(history.b, 2, "reported", 3)]))
    return history


def test_a_case_is_shown_with_its_facts_in_order(cityloop: Cityloop, stored: History) -> None:
    code, answer, _ = cityloop("case", "show", stored.a, "--json")
    assert (code, answer["case"]["state"]) == (0, "dispatched")
    assert [fact["sequence"] for fact in answer["facts"]] == [1, 2, 3]


def test_people_read_its_story_in_chinese_and_english(cityloop: Cityloop, stored: History) -> None:
    code, said, _ = cityloop("case", "show", stored.a, "--reports")
    assert code == 0
    for words in ("待接单 Dispatched", "立案 Filed", "派遣 Dispatched", "/cameras/1", "same_place 12 m 340 s", "2026-11-21 08:15:02"):
        assert words in said


def test_its_reports_are_listed_with_place_and_verdict(cityloop: Cityloop, stored: History) -> None:
    _, answer, _ = cityloop("case", "show", stored.a, "--reports", "--json")
    assert [(row["id"], row["offset"], row["verdict"]) for row in answer["reports"]] == [
        ("a0", 0, "opened"),
        ("a1", 1, "merged"),
        ("a2", 2, "merged"),
        ("a4", 4, "merged"),
    ]


def test_of_many_reports_what_opened_the_case_and_the_newest_are_listed(cityloop: Cityloop, stored: History) -> None:
    _, answer, said = cityloop("case", "show", stored.a, "--reports", "--limit", "2", "--json")
    assert [(row["id"], row["rule"], row["seconds"]) for row in answer["reports"]] == [("a0", "opened", None), ("a4", "same_place", 340)]
    assert answer["report_count"] == 4 and said == ""
    assert [(each["source"], each["count"], each["partition"]) for each in answer["sources"]] == [("/cameras/1", 3, 0)]
    assert "2 of 4 reports" in cityloop("case", "show", stored.a, "--reports", "--limit", "2")[1]


def test_the_list_is_sorted_and_filtered(cityloop: Cityloop, stored: History) -> None:
    code, rows, _ = cityloop("case", "list", "--json")
    assert (code, [row["case_id"] for row in rows]) == (0, [stored.a, stored.b])
    assert [row["case_id"] for row in cityloop("case", "list", "--state", "reported", "--json")[1]] == [stored.b]
    assert [row["case_id"] for row in cityloop("case", "list", "--district", "370202", "--limit", "1", "--json")[1]] == [stored.b]
    assert cityloop("case", "list", "--overdue", "--json")[1] == []


def test_without_the_hot_store_the_list_comes_from_kafka_and_is_the_same(cityloop: Cityloop, stored: History, settings: Settings) -> None:
    before = cityloop("case", "list", "--json")[1]

    async def not_ready() -> None:
        redis = connect(settings.redis_url)
        await redis.delete(Keys(settings.namespace, settings.city).ready)
        await redis.aclose()

    asyncio.run(not_ready())
    code, rows, said = cityloop("case", "list", "--json")
    assert (code, rows) == (0, before) and "cases.latest instead" in said
    assert cityloop("case", "show", stored.a, "--json")[0] == 0


def test_an_unknown_case_or_category_is_a_persons_mistake(cityloop: Cityloop, history: History) -> None:
    assert cityloop("case", "show", "QD-20261121-NOSUCHCASE")[0] == 2
    assert "unknown category 'muk'" in cityloop("case", "list", "--category", "muk")[2]


def test_an_export_holds_case_facts_and_reports(cityloop: Cityloop, stored: History) -> None:
    code, answer, said = cityloop("case", "export", stored.a)
    assert (code, len(answer["facts"]), len(answer["reports"])) == (0, 3, 4) and "not masked" in said


def answered(settings: Settings, outcome: Outcome) -> None:
    """What closure leaves for whoever waits."""

    async def leave() -> None:
        async with hot_store(settings) as hot:
            await RedisCases(hot).apply((), [outcome])

    asyncio.run(leave())


@pytest.mark.parametrize(("accepted", "reason", "code"), [(True, None, 0), (False, "a note is missing", 1)])
def test_a_command_ends_with_what_it_came_to(
    cityloop: Cityloop, stored: History, settings: Settings, accepted: bool, reason: str | None, code: int
) -> None:
    outcome = Outcome.model_validate({"command_id": "mine", "accepted": accepted, "state": "handling", "sequence": 4, "reason": reason})
    answered(settings, outcome)
    ended, answer, _ = cityloop("case", "command", stored.a, "accept", "--id", "mine", "--json")
    assert (ended, answer["accepted"], answer["reason"]) == (code, accepted, reason)


def test_a_command_stands_on_the_log_as_it_was_given(cityloop: Cityloop, stored: History, settings: Settings) -> None:
    words = ("accept", "--as", "unit:wang:qd-roads", "--note", "on our way", "--evidence", "s3://a", "--wait", "0")
    code, _, said = cityloop("case", "command", stored.a, *words)
    topic = settings.named(CASE_COMMANDS.name)
    [record] = reader.read(settings.kafka_bootstrap, topic, reader.spans(settings.kafka_bootstrap, topic))
    order, _ = decode_command(record.value, "QD")
    assert code == 1 and "nobody answered" in said
    assert record.key == stored.a.encode()
    assert (order.type, order.actor.role, order.actor.unit, order.note, order.evidence[0].url) == (
        "accept",
        "unit",
        "qd-roads",
        "on our way",
        "s3://a",
    )


def test_nobody_cannot_act(cityloop: Cityloop, stored: History) -> None:
    code, _, said = cityloop("case", "command", stored.a, "accept", "--as", "king:arthur")
    assert code == 2 and "ROLE:ID" in said

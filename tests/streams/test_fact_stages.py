"""Routing and projection on facts, without servers: what a rule decides becomes a command once, every fact a frame once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from adapters import case_rows
from adapters.feed import MemoryFeed
from config.load import load_city
from config.settings import Settings
from incidents.case import Precedent
from incidents.commands import Command
from incidents.errors import BadCommand
from incidents.facts import encode_fact
from incidents.route_choice import NOTHING, Known
from incidents.vocabulary import CommandType, FactType, State
from streams.projection import Projection, Seen, seen
from streams.routing import Routing
from tests.streams.fact_agents import AT, a_fact

CITY = load_city(Settings())


class Told:
    """Commands with the time they were given at."""

    def __init__(self) -> None:
        self.commands: list[tuple[Command, datetime]] = []

    async def publish(self, commands: Sequence[tuple[Command, datetime]]) -> None:
        self.commands += commands


class Knows:
    """Knowledge that is given, and what is kept of it; `asked` are the spans that positions were asked for."""

    def __init__(self, known: Known = NOTHING) -> None:
        self.known = known
        self.kept: list[Precedent] = []
        self.asked: list[tuple[datetime, datetime, bool]] = []

    async def at(self, begin: datetime, end: datetime, positions: bool) -> Known:
        self.asked.append((begin, end, positions))
        return self.known

    async def keep(self, precedents: Sequence[Precedent]) -> None:
        self.kept += precedents


def test_an_opened_case_whose_category_files_by_itself_is_filed_at_the_fact_s_time() -> None:
    told = Told()
    opened = a_fact()
    asyncio.run(Routing(CITY, told, Knows())([opened]))
    [(command, at)] = told.commands
    assert (command.type, command.case_id, at) == (CommandType.FILE, opened.case_id, opened.at)


def test_a_filed_case_is_dispatched_and_a_fact_read_again_names_the_same_command() -> None:
    told = Told()
    filed = a_fact(sequence=2, fact=FactType.FILED, state=State.FILED)
    asyncio.run(Routing(CITY, told, Knows())([filed, filed]))
    assert [command.type for command, _ in told.commands] == [CommandType.DISPATCH] * 2
    assert len({command.id for command, _ in told.commands}) == 1


def test_facts_that_no_rule_answers_command_nothing() -> None:
    told = Told()
    asyncio.run(Routing(CITY, told, Knows())([a_fact(sequence=3, fact=FactType.ACCEPTED, state=State.HANDLING)]))
    assert told.commands == []


def test_what_an_arbiter_decided_is_kept_and_nothing_is_asked_for_it() -> None:
    knows = Knows()
    precedent = Precedent(case_id=a_fact().case_id, category="road_spillage", unit="police-city", by="arbiter", at=AT)
    fact = a_fact(sequence=3, fact=FactType.ARBITRATED, state=State.DISPATCHED)
    fact = fact.model_copy(update={"case": fact.case.model_copy(update={"precedent": precedent})})
    asyncio.run(Routing(CITY, Told(), knows)([fact, a_fact(2, 4, FactType.SIGHTED)]))
    assert (knows.kept, knows.asked) == ([precedent], [])


def test_positions_are_asked_for_once_a_batch_and_only_where_a_route_sends_the_nearest() -> None:
    knows, told = Knows(), Told()
    filed = [a_fact(number, number, FactType.FILED, State.FILED) for number in (2, 5)]
    asyncio.run(Routing(CITY, told, knows)(filed))
    asyncio.run(Routing(CITY.model_copy(update={"routes": ()}), told, knows)(filed))
    assert knows.asked == [(filed[0].at, filed[1].at, True), (filed[0].at, filed[1].at, False)]


def test_the_projection_tells_each_fact_once_in_order() -> None:
    feed, kept = MemoryFeed(), list[case_rows.Told]()

    async def keep(facts: Sequence[case_rows.Told]) -> None:
        assert facts[-1].sequence not in [each.sequence for each in feed.frames if each.case_id == facts[-1].case_id]  # tables first
        kept.extend(facts)

    projection = Projection(keep, feed)
    asyncio.run(projection([as_seen(1, 1), as_seen(2, 1)]))
    asyncio.run(projection([as_seen(1, 1), as_seen(1, 2)]))
    assert [(each.case_id[-1], each.sequence) for each in feed.frames] == [("1", 1), ("2", 1), ("1", 2)]
    assert (feed.frames[0].at > AT, len(kept)) == (True, 4)


def test_a_case_that_the_feed_cannot_tell_is_no_fact() -> None:
    with pytest.raises(BadCommand):
        seen(encode_fact(a_fact()).replace(b'"held_because":null', b'"held_because":"mood"'), 0, 0)


def as_seen(number: int, sequence: int) -> Seen:
    return seen(encode_fact(a_fact(number, sequence)), 0, 0)

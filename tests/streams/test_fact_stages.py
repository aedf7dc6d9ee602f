"""Routing and projection on facts, without servers: what a rule decides becomes a command once, every fact a frame once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from adapters.feed import MemoryFeed
from config.load import load_city
from config.settings import Settings
from incidents.case import Command, CommandType, FactType, State
from streams.projection import Projection
from streams.routing import Routing
from tests.streams.fact_agents import AT, a_fact

CITY = load_city(Settings())


class Told:
    """Commands with the time they were given at."""

    def __init__(self) -> None:
        self.commands: list[tuple[Command, datetime]] = []

    async def publish(self, commands: Sequence[tuple[Command, datetime]]) -> None:
        self.commands += commands


def test_an_opened_case_whose_category_files_by_itself_is_filed_at_the_fact_s_time() -> None:
    told = Told()
    opened = a_fact()
    asyncio.run(Routing(CITY, told)([opened]))
    [(command, at)] = told.commands
    assert (command.type, command.case_id, at) == (CommandType.FILE, opened.case_id, opened.at)


def test_a_filed_case_is_dispatched_and_a_fact_read_again_names_the_same_command() -> None:
    told = Told()
    filed = a_fact(sequence=2, fact=FactType.FILED, state=State.FILED)
    asyncio.run(Routing(CITY, told)([filed, filed]))
    assert [command.type for command, _ in told.commands] == [CommandType.DISPATCH] * 2
    assert len({command.id for command, _ in told.commands}) == 1


def test_facts_that_no_rule_answers_command_nothing() -> None:
    told = Told()
    asyncio.run(Routing(CITY, told)([a_fact(sequence=3, fact=FactType.ACCEPTED, state=State.HANDLING)]))
    assert told.commands == []


def test_the_projection_tells_each_fact_once_in_order() -> None:
    feed = MemoryFeed()
    projection = Projection(feed)
    asyncio.run(projection([a_fact(1, 1), a_fact(2, 1)]))
    asyncio.run(projection([a_fact(1, 1), a_fact(1, 2)]))
    assert [(frame.case_id[-1], frame.sequence) for frame in feed.frames] == [("1", 1), ("2", 1), ("1", 2)]
    assert feed.frames[0].at > AT

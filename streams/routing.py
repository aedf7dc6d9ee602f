"""Routing: reads every fact and issues, as commands, what a rule may decide by itself: verify, file, dispatch, close.

The ids of its commands follow from the case and the fact, so that a fact read twice commands nothing twice; closure judges each command
against the case as it then stands.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from adapters import metrics
from adapters.bus import Out, Publisher
from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.case import Command, Fact
from incidents.catalogue import City
from incidents.facts import encode_command
from incidents.steps.routing import decide
from streams.agents import FactAgent, Rebuild, ports
from streams.app import AgentApp, agent_app
from streams.deps import Deps


class Commands(Protocol):
    """Where rules put their commands."""

    async def publish(self, commands: Sequence[tuple[Command, datetime]]) -> None:
        """Return when all are durable; each comes with the city's time it is given at. Raises TryAgain: then all again."""


class CommandBus:
    """`cases.commands`, keyed by case."""

    def __init__(self, settings: Settings, city: City, publisher: Publisher) -> None:
        self._topic = settings.named(CASE_COMMANDS.name)
        self._city = city
        self._publisher = publisher

    async def publish(self, commands: Sequence[tuple[Command, datetime]]) -> None:
        """See Commands."""
        outs = [
            Out(self._topic, command.case_id.encode(), encode_command(command, at, self._city.code, self._city.key))
            for command, at in commands
        ]
        if outs:
            await self._publisher.publish(outs)


class Routing:
    """What routing does with facts."""

    def __init__(self, city: City, bus: Commands) -> None:
        self._city = city
        self._bus = bus

    async def __call__(self, facts: Sequence[Fact]) -> None:
        """Publish what the rules say; see `Act`."""
        commands = [(command, fact.at) for fact in facts for command in decide(self._city, fact.case, fact.type)]
        await self._bus.publish(commands)
        for command, _ in commands:
            metrics.ROUTED.labels(command.type.value).inc()


def build_routing(deps: Deps, rebuild: Rebuild) -> AgentApp:
    """Routing as an app of this process."""
    act = Routing(deps.city, CommandBus(deps.settings, deps.city, deps.publisher))
    return agent_app(deps.settings, FactAgent("routing", act, ports(deps.publisher, deps.settings.namespace, rebuild)))

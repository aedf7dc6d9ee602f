"""Routing: reads every fact and issues, as commands, what a rule may decide by itself: verify, file, dispatch.

The ids of its commands follow from the case and the fact, so that a fact read twice commands nothing twice; closure judges each command
against the case as it then stands.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from adapters import metrics
from adapters.bus import Out, Publisher
from adapters.positions import Positions, RedisPositions
from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.case import Fact, Precedent
from incidents.catalogue import City
from incidents.commands import Command
from incidents.facts import encode_command
from incidents.positions import STALE_AFTER
from incidents.route_choice import NOTHING, Known
from incidents.steps.routing import LEADS_TO_DISPATCH, LEADS_TO_FILING, decide
from incidents.vocabulary import FactType
from streams.agents import FactAgent, Rebuild, ports
from streams.app import AgentApp, agent_app
from streams.deps import Deps
from streams.precedents import Precedents

HEEDED = LEADS_TO_FILING | LEADS_TO_DISPATCH | {FactType.ARBITRATED}
"""The facts that a rule may answer; the others need not be decoded."""


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


class Knowledge(Protocol):
    """What routing knows beside a case and the rules."""

    async def at(self, begin: datetime, end: datetime, positions: bool) -> Known:
        """Precedents, and with `positions` those that may be believed somewhere between two moments. Raises TryAgain and NotReady."""

    async def keep(self, precedents: Sequence[Precedent]) -> None:
        """Return when they are durable. Raises TryAgain."""


class Learned:
    """Precedents from `routes.precedents`, positions from the hot store."""

    def __init__(self, city: City, positions: Positions, precedents: Precedents) -> None:
        self._ahead = city.accept_ahead
        self._positions = positions
        self._precedents = precedents

    async def at(self, begin: datetime, end: datetime, positions: bool) -> Known:
        """See Knowledge."""
        precedents = self._precedents.known()
        if not positions:
            return Known(precedents)
        return Known(precedents, await self._positions.between(begin - STALE_AFTER, end + self._ahead))

    async def keep(self, precedents: Sequence[Precedent]) -> None:
        """See Knowledge."""
        await self._precedents.keep(precedents)


class Routing:
    """What routing does with facts."""

    def __init__(self, city: City, bus: Commands, knowledge: Knowledge) -> None:
        self._city = city
        self._bus = bus
        self._knowledge = knowledge
        self._asks_positions = any(route.nearest for route in city.routes)

    async def __call__(self, facts: Sequence[Fact]) -> None:
        """Keep what arbiters decided, publish what the rules say; see `Act`."""
        await self._knowledge.keep([fact.case.precedent for fact in facts if fact.type is FactType.ARBITRATED and fact.case.precedent])
        known = await self._known(facts)
        commands = [(command, fact.at) for fact in facts for command in decide(self._city, fact.case, fact.type, known)]
        await self._bus.publish(commands)
        for command, _ in commands:
            metrics.ROUTED.labels(command.type.value).inc()

    async def _known(self, facts: Sequence[Fact]) -> Known:
        moments = [fact.at for fact in facts if fact.type in LEADS_TO_DISPATCH]
        return await self._knowledge.at(min(moments), max(moments), self._asks_positions) if moments else NOTHING


def build_routing(deps: Deps, rebuild: Rebuild) -> AgentApp:
    """Routing as an app of this process."""
    precedents = Precedents(deps.settings, deps.publisher)
    bus, knowledge = CommandBus(deps.settings, deps.city, deps.publisher), Learned(deps.city, RedisPositions(deps.hot), precedents)
    loop_ports = ports(deps.publisher, deps.settings.namespace, rebuild)
    body = FactAgent("routing", Routing(deps.city, bus, knowledge), loop_ports, only=HEEDED)
    return agent_app(deps.settings, body, precedents)

"""Positions: keeps hot what patrol vehicles, drones and crews say of themselves on `units.positions`.

A role of its own, in a group: each record is judged once, however many workers there are, and what is no position is a dead letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters import metrics
from adapters.clock import CityClock
from adapters.positions import Positions, RedisPositions
from config.topics import UNIT_POSITIONS
from incidents.catalogue import City
from incidents.errors import BadReport, RejectReason
from incidents.positions import UnitPosition, decode_position
from streams.agents import Agent, Rebuild, ports
from streams.app import AgentApp, agent_app
from streams.deps import Deps


@dataclass(kw_only=True)
class PositionAgent(Agent[UnitPosition]):
    """The body of the agent on `units.positions`."""

    reads = UNIT_POSITIONS
    city: City
    clock: CityClock

    def read(self, message: Any) -> UnitPosition:
        """The position; one from the future would never grow stale. Raises BadReport."""
        position = decode_position(message.value, self.city)
        appended = self.clock.at(round(message.timestamp * 1000), position.at)
        if position.at > appended + self.city.accept_ahead:
            raise BadReport(RejectReason.IN_FUTURE, f"time {position.at.isoformat()}: the record was appended at {appended.isoformat()}")
        return position


class Keep:
    """What is done with positions."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    async def __call__(self, told: Sequence[UnitPosition]) -> None:
        """Keep the latest of each unit; see `Act`."""
        await self._positions.put(told)
        metrics.POSITIONS.inc(len(told))


def build_positions(deps: Deps, rebuild: Rebuild) -> AgentApp:
    """The role as an app of this process."""
    loop_ports = ports(deps.publisher, deps.settings.namespace, rebuild)
    body = PositionAgent("positions", Keep(RedisPositions(deps.hot)), loop_ports, city=deps.city, clock=deps.clock)
    return agent_app(deps.settings, body)

"""Projection: every fact once into the SQL tables and then into the live feed, so that whatever the feed tells of, the tables show.

Facts are read as JSON and not built: this process runs closure, too. SQL runs in a thread; while the database is away, this stage waits.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from adapters import metrics
from adapters.case_rows import Told, read_fact
from adapters.database import open_database
from adapters.feed import Feed, Frame, RedisFeed, frame
from config.topics import CASE_EVENTS
from incidents.errors import BadCommand, RejectReason
from streams.agents import Agent, Rebuild, ports
from streams.app import AgentApp, agent_app
from streams.deps import Deps
from streams.tables import TablesKeeper

Keep = Callable[[Sequence[Told]], Awaitable[None]]


class Seen(NamedTuple):
    """One fact as the tables and as the feed want it."""

    told: Told
    frame: Frame


class Projection:
    """What the projection does with facts; tables and feed themselves know what they were told already."""

    def __init__(self, keep: Keep, feed: Feed) -> None:
        self._keep = keep
        self._feed = feed

    async def __call__(self, facts: Sequence[Seen]) -> None:
        """Keep and tell; see `Act`."""
        await self._keep([fact.told for fact in facts])
        told = await self._feed.tell([fact.frame for fact in facts])
        metrics.FEED_FRAMES.labels("told").inc(len(told))
        metrics.FEED_FRAMES.labels("known").inc(len(facts) - len(told))


class ProjectionAgent(Agent[Seen]):
    """Reads facts as rows and frames."""

    reads = CASE_EVENTS

    def read(self, message: Any) -> Seen:
        """The fact. Raises BadCommand."""
        return seen(message.value, message.partition, message.offset)


def seen(value: bytes | None, partition: int, offset: int) -> Seen:
    """The fact in a record. Raises BadCommand."""
    told = read_fact(value, partition, offset)
    try:
        return Seen(told, frame(told.event))
    except ValidationError as error:
        raise BadCommand(RejectReason.INVALID_VALUE, f"no fact: {error.errors(include_url=False, include_input=False)}"[:300]) from None


def build_projection(deps: Deps, rebuild: Rebuild) -> AgentApp:
    """The projection as an app of this process. Raises UserError for a CITYLOOP_DATABASE_URL that cannot be one."""
    tables = TablesKeeper(deps.settings, open_database(deps.settings))
    loop_ports = ports(deps.publisher, deps.settings.namespace, rebuild)
    return agent_app(deps.settings, ProjectionAgent("projection", Projection(tables.take, RedisFeed(deps.hot)), loop_ports), tables)

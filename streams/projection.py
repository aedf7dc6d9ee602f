"""Projection: every fact once into the live feed that the console follows."""

from collections.abc import Sequence

from adapters import metrics
from adapters.feed import Feed, RedisFeed, frame
from incidents.case import Fact
from streams.agents import FactAgent, Rebuild, ports
from streams.app import AgentApp, agent_app
from streams.deps import Deps


class Projection:
    """What the projection does with facts; the feed itself knows what it was told already."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __call__(self, facts: Sequence[Fact]) -> None:
        """Tell the feed; see `Act`."""
        told = await self._feed.tell([frame(fact) for fact in facts])
        metrics.FEED_FRAMES.labels("told").inc(len(told))
        metrics.FEED_FRAMES.labels("known").inc(len(facts) - len(told))


def build_projection(deps: Deps, rebuild: Rebuild) -> AgentApp:
    """The projection as an app of this process."""
    loop_ports = ports(deps.publisher, deps.settings.namespace, rebuild)
    return agent_app(deps.settings, FactAgent("projection", Projection(RedisFeed(deps.hot)), loop_ports))

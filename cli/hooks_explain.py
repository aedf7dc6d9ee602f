"""`cityloop hooks explain CASE`: who was told of a case, who was not, why, and what became of each message."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from adapters.case_files import hot_store
from adapters.case_store import RedisCases
from adapters.deliveries import Delivery
from adapters.deliveries_redis import RedisDeliveries
from adapters.hook_state import Explained
from adapters.hook_state_redis import RedisHookState
from adapters.hook_subscribed import FACTS, subscribed
from adapters.hot import HotStore
from cli.hooks_queue import as_shown, remembered
from cli.output import AsJson, out, say, table
from cli.words import moment
from config.load import load_city
from config.load_hooks import load_hooks
from config.settings import load_settings
from handlers.receivers import kinds
from incidents.events import CaseId

CaseNumber = Annotated[str, typer.Argument(metavar="CASE", help="The case's number.")]


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("explain")(explain)


@dataclass(frozen=True)
class Told:
    """A decision about a case, and the messages that came of it."""

    why: Explained
    deliveries: tuple[Delivery, ...]


def explain(case: CaseNumber, as_json: AsJson = False) -> None:
    """Tell who was told of a case and who was not, the oldest first: sent, grouped, muted, inhibited, silenced, and by which rule.

    What subscribers were told of its facts comes last. The newest 50 decisions of the last 30 days; delivered messages are remembered for
    a day. Exit code 1 when nothing was decided.

    Example: `cityloop hooks explain QD-20261121-14YNDD4W6Y`
    """
    found = asyncio.run(_asked(case))
    zone = load_city(load_settings()).time_zone
    answer = [each.why.model_dump() | {"deliveries": [as_shown(one) for one in each.deliveries]} for each in found]
    head = ("at", "receiver", "node", "reason", "why", "became")
    out(answer, as_json, lambda _: table(head, (_row(each, zone) for each in found)))
    if not found:
        say(f"nothing was decided about {case}: it was not filed yet, or no `cityloop hooks run` has seen it (`cityloop case show {case}`)")
        raise typer.Exit(1)


async def _asked(case_id: str) -> list[Told]:
    async with hot_store(load_settings()) as hot:
        said = await RedisHookState(hot).explained(case_id)
        return [*await _with_deliveries(hot, list(reversed(said))), *await _subscribed(hot, case_id)]


async def _subscribed(hot: HotStore, case_id: str) -> list[Told]:
    settings, queue = load_settings(), RedisDeliveries(hot)
    hooks = load_hooks(settings, load_city(settings), kinds())
    case = (await RedisCases(hot).load({CaseId(case_id)})).get(CaseId(case_id))
    facts = FACTS if case is None else case.sequence
    found = await subscribed(case_id, facts, hooks.subscriptions if hooks else (), lambda ids: remembered(queue, ids))
    return [Told(*each) for each in found]


async def _with_deliveries(hot: HotStore, said: Sequence[Explained]) -> list[Told]:
    queue = RedisDeliveries(hot)
    names = [each.name for each in await queue.targets()]
    return [Told(each, tuple(await remembered(queue, each.deliveries(names)))) for each in said]


def _row(told: Told, zone: str) -> tuple[Any, ...]:
    became = "; ".join(
        f"{each.target} {each.state}" + (f" after {len(each.attempts)}" if each.attempts else "") for each in told.deliveries
    )
    why = told.why
    return moment(why.at, zone), why.receiver, why.node, why.reason, why.why, became or (why.notice and "no longer remembered")

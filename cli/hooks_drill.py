"""`cityloop hooks drill`: an exercise from here to the last receiver, marked as one in every format, and what each of them said."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from adapters.case_files import hot_store
from adapters.deliveries import Deliveries, Delivery, Order, State
from adapters.deliveries_redis import RedisDeliveries
from adapters.hook_state import DUTY
from cli.accounts import at_the_shell
from cli.hooks_queue import now_ms
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.load_hooks import load_hooks
from config.settings import Settings, load_settings
from handlers.receivers import kinds
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.hooks import Hooks
from incidents.journal import Kind
from incidents.notices import Notice
from streams.hooks_files import open_telling
from streams.hooks_telling import Telling

LOOK_EVERY_S = 0.2
STARTED, FINISHED = "drill.started", "drill.finished"


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("drill")(drill)


@dataclass(frozen=True)
class Drill:
    """One exercise: whom it asks, and what it says."""

    id: str
    words: str
    targets: Mapping[str, str]  # target -> its receiver
    telling: Telling

    def orders(self, fact: str, words: str) -> list[Order]:
        """What is put in the queue."""
        return [order for target in self.targets for order in self.telling.receivers.orders(self._notice(target, fact, words), [target])]

    def _notice(self, target: str, fact: str, words: str) -> Notice:
        begins = fact == STARTED
        return Notice(
            id=f"{self.id}_{1 if begins else 2}",
            group_key=self.id,
            group_labels={"detail": words},
            receiver=self.targets[target],
            reason=fact,
            alerts=(),
            status="firing" if begins else "resolved",
            at=datetime.now(UTC),
            sequence=1 if begins else 2,
            drill=True,
            fact=fact,
        )


def drill(  # noqa: PLR0913  # an option each
    receiver: Annotated[list[str] | None, typer.Argument(metavar="[RECEIVER…]", help="Default: every receiver of hooks.toml.")] = None,
    like: Annotated[
        list[str] | None, typer.Option("--like", metavar="LABEL=VALUE", help="Only whom such a case would reach; repeatable.")
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="Also everybody of the roster, on every channel.")] = False,
    words: Annotated[str, typer.Option("--words", "-w", help="What to say.")] = "演练，无需处置 Exercise: nothing needs to be done",
    within: Annotated[float, typer.Option(min=1, help="Seconds within which everybody should answer.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send an exercise the way every notice goes, to the receivers named or to all, and tell what each target answered. It is journalled.

    Every format says that it is an exercise (CAP: `Exercise`). Exit code 1 when a target did not take it in time; it is tried on as any
    notice is. Afterwards everybody hears that the exercise is over.

    Example: `cityloop hooks drill --like severity=emergency --like category=gas_leak`
    """
    settings = load_settings()
    city = load_city(settings)
    made = _drill(settings, city, _chosen(settings, city, receiver or (), like or ()), people, words)
    with at_the_shell() as desk:
        desk.note(Kind.HOOKS, "drill", drill=made.id, receivers=sorted(set(made.targets.values())), targets=len(made.targets))
    say(f"an exercise to {len(made.targets)} targets …")
    answer = asyncio.run(_held(made, within))
    out(answer, as_json, lambda rows: table(("target", "answered", "seconds", "what"), (tuple(each.values()) for each in rows)))
    well = sum(bool(each["answered"]) for each in answer)
    say(f"{well} of {len(answer)} answered" + ("" if well else "; does `cityloop hooks run` run?"))
    if well < len(answer):
        raise typer.Exit(1)


def _chosen(settings: Settings, city: City, receivers: Sequence[str], like: Sequence[str]) -> tuple[Hooks, set[str]]:
    hooks = load_hooks(settings, city, kinds())
    if hooks is None:
        raise UserError(f"{settings.city} has no hooks.toml, so there is nobody to ask; docs/hooks.md shows one")
    if unknown := set(receivers) - hooks.rows.keys():
        raise UserError(f"hooks.toml has no receiver {min(unknown)!r}; there are: {', '.join(sorted(hooks.rows))}")
    labels = dict(_label(each) for each in like)
    reached = {node.options.receiver for node in hooks.rules.tree.routes(labels, labels)} if like else set(hooks.rows)
    return hooks, reached & (set(receivers) or reached)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UserError(f"--like {text!r}: write LABEL=VALUE, like severity=emergency")
    return name, value


def _drill(settings: Settings, city: City, chosen: tuple[Hooks, set[str]], people: bool, words: str) -> Drill:
    hooks, receivers = chosen
    telling = open_telling(settings, city, hooks)
    targets = {name: receiver for receiver in sorted(receivers) for name in telling.targets.get(receiver, ())}
    if people:
        targets |= {name: "duty" for name in telling.receivers.targets if name.startswith(DUTY) and not name.endswith("/urgent")}
    if not targets:
        raise UserError("these receivers have no target of their own; --people asks everybody of the roster")
    return Drill(f"drill_{secrets.token_hex(8)}", words, targets, telling)


async def _held(made: Drill, within: float) -> list[dict[str, Any]]:
    async with hot_store(load_settings()) as hot:
        queue = RedisDeliveries(hot)
        orders = made.orders(STARTED, made.words)
        await queue.enqueue(orders, now_ms())
        found = await _answers(queue, [order.id for order in orders], within)
        answer = [_outcome(order.target, found.get(order.id)) for order in orders]
        well = sum(bool(each["answered"]) for each in answer)
        await queue.enqueue(made.orders(FINISHED, f"{made.words} ({well}/{len(answer)})"), now_ms())
        return answer


async def _answers(queue: Deliveries, ids: Sequence[str], within: float) -> dict[str, Delivery]:
    """As they stand when all have ended, or the time is over."""
    deadline = time.monotonic() + within
    while True:
        found = {id_: each for id_ in ids if (each := await queue.show(id_)) is not None}
        if all(each.state in (State.DELIVERED, State.DEAD) for each in found.values()) or time.monotonic() >= deadline:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def _outcome(target: str, found: Delivery | None) -> dict[str, Any]:
    last = found.attempts[-1] if found is not None and found.attempts else None
    took = None if found is None or found.ended_ms is None else round((found.ended_ms - found.queued_ms) / 1000, 2)
    well = found is not None and found.state is State.DELIVERED
    said = "not tried yet" if last is None else " ".join(str(each) for each in (last.outcome, last.reason, last.detail) if each)
    return {"target": target, "answered": well, "seconds": took, "what": said}

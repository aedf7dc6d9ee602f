"""`cityloop hooks list|show|replay|targets|enable`: the queue of deliveries, what was given up, and the targets themselves."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from adapters.case_files import hot_store
from adapters.deliveries import Attempt, Deliveries, Delivery, State, TargetStanding
from adapters.deliveries_redis import RedisDeliveries
from cli.accounts import at_the_shell
from cli.output import AsJson, out, say, table
from cli.words import moment
from config.load import load_city
from config.settings import load_settings
from incidents.errors import UserError
from incidents.journal import Kind

MOST = 100_000
"""Deliveries looked at for a list; more of them are a stopped engine, and `cityloop_hook_queue_deliveries` says how many."""
AT_ONCE = 200
BESIDE = 16
"""Questions to Redis beside each other; each takes a connection."""
DETAIL_SHOWN = 80

T = TypeVar("T")


class Which(StrEnum):
    """What `list` shows."""

    WAITING = "waiting"
    DEAD = "dead"
    ALL = "all"


Id = Annotated[str, typer.Argument(metavar="ID", help="The delivery, as `hooks list` says: NOTICE@TARGET.")]
Target = Annotated[str | None, typer.Option(help="Only to this target, or to all whose names begin so: a receiver's.")]
Case = Annotated[str | None, typer.Option(help="Only what tells of this case.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"], help="ISO 8601 with an offset: queued since.")
]


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("list", listed), ("show", show), ("replay", replay), ("targets", targets), ("enable", enable)):
        group.command(name)(command)


@dataclass(frozen=True)
class Wanted:
    """Which deliveries."""

    target: str | None = None
    case: str | None = None
    since: datetime | None = None

    def has(self, delivery: Delivery) -> bool:
        """Whether this is one of them."""
        return (
            (self.target is None or delivery.target == self.target or delivery.target.startswith(f"{self.target}/"))
            and (self.case is None or self.case in _cases(delivery))
            and (self.since is None or delivery.queued_ms >= self.since.timestamp() * 1000)
        )


def listed(  # noqa: PLR0913  # an option each
    which: Annotated[Which, typer.Option("--state", help="`waiting` also has what is under way.")] = Which.ALL,
    target: Target = None,
    case: Case = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0 means all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries that wait or were given up, the oldest first. What was delivered is not listed: `hooks explain CASE` tells of it.

    Example: `cityloop hooks list --state dead --target sanitation`
    """
    wanted = Wanted(target, case, since)
    found = _ask(lambda queue: _found(queue, which, wanted))
    chosen = found[-limit:] if limit else found
    zone = load_city(load_settings()).time_zone
    head = ["id", "state", "queued", "attempts", "what", "last"]
    out(list(map(as_shown, chosen)), as_json, lambda _: table(head, (_row(each, zone) for each in chosen)))
    counted = Counter(str(each.state) for each in found)
    say(f"{len(chosen)} of {len(found)} deliveries" + "".join(f", {count} {state}" for state, count in sorted(counted.items())))


def show(id_: Id, as_json: AsJson = False) -> None:
    """Show one delivery: what it tells, where it stands, and every attempt with its answer. Delivered ones are remembered for a day.

    Example: `cityloop hooks show 4f0c2a…@sanitation/webhook/1`
    """
    found = _ask(lambda queue: queue.show(id_))
    if found is None:
        raise UserError(f"there is no delivery {id_!r}; `cityloop hooks list` shows what waits or was given up; it may be long delivered")
    zone = load_city(load_settings()).time_zone
    out(as_shown(found), as_json, lambda _: _story(found, zone))


def replay(  # noqa: PLR0913  # an option each
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="Deliveries, as `hooks list --state dead` says.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up; --target, --case and --since narrow it.")] = False,
    target: Target = None,
    case: Case = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send again what was given up, at its place in its case's order and under its old id: a receiver that knows the id skips it.

    For as long as its target is disabled it would end there again: `cityloop hooks enable TARGET` first. It is journalled.

    Example: `cityloop hooks replay --failed --target sanitation --since 2026-11-21T08:00+08:00`
    """
    if bool(ids) == failed:
        raise UserError("name the deliveries to send again, or --failed for all that were given up (`cityloop hooks list --state dead`)")
    wanted = Wanted(target, case, since)
    chosen = list(ids or ()) or [each.id for each in _ask(lambda queue: _found(queue, Which.DEAD, wanted))]
    if dry_run or not chosen:
        out({"would_replay": chosen}, as_json, lambda _: "\n".join(chosen))
        say(f"{len(chosen)} would be sent again")
        return
    with at_the_shell() as desk:
        desk.note(Kind.HOOKS, "replay", deliveries=chosen[:AT_ONCE], count=len(chosen))
    done = _ask(lambda queue: _replayed(queue, chosen))
    out({"asked": len(chosen), "replayed": done}, as_json, lambda _: f"{done} of {len(chosen)} go again")
    if done < len(chosen):
        say("the others were not given up, or are forgotten: dead letters can be replayed for 30 days")
        raise typer.Exit(1)


def targets(
    trouble: Annotated[bool, typer.Option("--trouble", help="Only those that fail or are disabled; then the exit code is 1.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the targets that were ever told something: what waits for each, whether it answers, and whether it is disabled.

    Example: `cityloop hooks targets --trouble`
    """
    known = _ask(lambda queue: queue.targets())
    chosen = [each for each in known if each.failures or each.disabled] if trouble else known
    zone = load_city(load_settings()).time_zone
    head = ["target", "state", "waiting", "failures", "since", "asked again", "why"]
    out([target_as_shown(each) for each in chosen], as_json, lambda _: table(head, (_target_row(each, zone) for each in chosen)))
    if trouble and chosen:
        raise typer.Exit(1)


def enable(target: Annotated[str, typer.Argument(help="The target, as `hooks targets` says.")], as_json: AsJson = False) -> None:
    """Let a target that was disabled, or whose breaker is open, be asked again at once. It is journalled.

    Example: `cityloop hooks enable sanitation/webhook/1`
    """
    known = {each.name for each in _ask(lambda queue: queue.targets())}
    if target not in known:
        raise UserError(f"nothing was ever sent to a target {target!r}; `cityloop hooks targets` lists them")
    with at_the_shell() as desk:
        desk.note(Kind.HOOKS, "enable", target=target)
    _ask(lambda queue: queue.enable(target, now_ms()))
    out({"target": target, "enabled": True}, as_json, lambda _: f"{target} is asked again; what was given up meanwhile: `hooks replay`")


def now_ms() -> int:
    """The queue's clock is the machine's."""
    return int(datetime.now(UTC).timestamp() * 1000)


def as_shown(delivery: Delivery) -> dict[str, Any]:
    """A delivery for programs; times are ISO, UTC."""
    notice = delivery.notice
    return {
        "id": delivery.id,
        "target": delivery.target,
        "state": delivery.state,
        "line": delivery.line,
        "sequence": delivery.sequence,
        "queued_at": _at(delivery.queued_ms),
        "ended_at": _at(delivery.ended_ms),
        "fell_back_at": _at(delivery.fallback_ms),
        "tries": delivery.tries,
        "digest": delivery.digest,
        "attempts": delivery.attempts,
        "notice": notice,
    }


def target_as_shown(target: TargetStanding) -> dict[str, Any]:
    """A target for programs."""
    return {
        "target": target.name,
        "state": state_of(target),
        "waiting": target.waiting,
        "failures": target.failures,
        "failing_since": _at(target.since_ms),
        "quiet_until": _at(target.hold_ms),
        "disabled": target.disabled,
    }


def state_of(target: TargetStanding) -> str:
    """One word for it."""
    return "disabled" if target.disabled is not None else "open" if target.open else "failing" if target.failures else "well"


def _ask(question: Callable[[Deliveries], Awaitable[T]]) -> T:
    async def asked() -> T:
        async with hot_store(load_settings()) as hot:
            return await question(RedisDeliveries(hot))

    return asyncio.run(asked())


async def remembered(queue: Deliveries, ids: Sequence[str]) -> list[Delivery]:
    """Those of these that are, in order."""
    parts = [ids[at : at + BESIDE] for at in range(0, len(ids), BESIDE)]
    shown = [each for part in parts for each in await asyncio.gather(*map(queue.show, part))]
    return [each for each in shown if each is not None]


async def _found(queue: Deliveries, which: Which, wanted: Wanted) -> list[Delivery]:
    states = {Which.WAITING: (State.WAITING,), Which.DEAD: (State.DEAD,), Which.ALL: (State.DEAD, State.WAITING)}[which]
    ids = [id_ for state in states for id_ in await queue.listed(state, MOST)]
    found = [each for each in await remembered(queue, ids) if each.state is not State.DELIVERED and wanted.has(each)]
    return sorted(found, key=lambda each: each.queued_ms)


async def _replayed(queue: Deliveries, ids: Sequence[str]) -> int:
    return sum([await queue.replay(ids[at : at + AT_ONCE], now_ms()) for at in range(0, len(ids), AT_ONCE)])


def _cases(delivery: Delivery) -> set[str]:
    alerts = delivery.notice.alerts if delivery.notice else ()
    return {delivery.line, *(alert.labels.get("case_id", "") for alert in alerts)}


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def _row(delivery: Delivery, zone: str) -> list[Any]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return [
        delivery.id,
        delivery.state,
        moment(_at(delivery.queued_ms), zone),
        len(delivery.attempts),
        _what(delivery),
        None if last is None else _said(last)[:DETAIL_SHOWN],
    ]


def _what(delivery: Delivery) -> str | None:
    notice = delivery.notice
    if notice is None:
        return None
    drill = "DRILL " if notice.drill else ""
    return f"{drill}{notice.reason}" if notice.fact else f"{drill}{notice.status} {len(notice.alerts) + notice.truncated}, {notice.reason}"


def _said(attempt: Attempt) -> str:
    parts = (attempt.outcome, attempt.reason, attempt.detail or (attempt.status and f"HTTP {attempt.status}"))
    return " ".join(str(part) for part in parts if part)


def _story(delivery: Delivery, zone: str) -> str:
    lines = [f"{delivery.id}: {delivery.state}", f"target: {delivery.target}", f"line: {delivery.line}, sequence {delivery.sequence}"]
    for name, ms in (("queued", delivery.queued_ms), ("ended", delivery.ended_ms), ("fallback told", delivery.fallback_ms)):
        lines += [f"{name}: {moment(_at(ms), zone)}"] if ms is not None else []
    lines += [f"told in the digest {delivery.digest}"] if delivery.digest else []
    if (notice := delivery.notice) is not None:
        lines.append(f"tells: {_what(delivery)}, to receiver {notice.receiver}")
        lines += [f"  {alert.labels.get('case_id', alert.fingerprint)} {alert.status(notice.at)}" for alert in notice.alerts]
    lines.append(f"{len(delivery.attempts)} attempts:" if delivery.attempts else "no attempt yet")
    lines += [f"  {moment(each.at, zone)}  {each.seconds:.3f} s  {_said(each)}" for each in delivery.attempts]
    return "\n".join(lines)


def _target_row(target: TargetStanding, zone: str) -> list[Any]:
    since, quiet = moment(_at(target.since_ms), zone), moment(_at(target.hold_ms), zone)
    return [target.name, state_of(target), target.waiting, target.failures, since, quiet, target.disabled]

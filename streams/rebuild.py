"""Fills the hot store again from Kafka, when it is empty, restarted, failed over or another one (ARCHITECTURE.md §3).

One worker holds the lock and rebuilds, the others wait; `ready` is set last. The record is `cases.latest`, the last day of `cases.events`
(the highest sequence per case wins) and the `sight` commands that closure has not applied yet. What may be lost is written there too.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import structlog

from adapters import metrics
from adapters.bus import Out
from adapters.case_store import RedisCases
from adapters.fates import encode_rebuilt
from adapters.reader import between, read, spans, state
from adapters.restore import Vault
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST, DAY_MS, FATES
from incidents.audit import Span
from incidents.case import Case
from incidents.commands import Command
from incidents.errors import BadReport, TryAgain, UserError
from incidents.events import CaseId, epoch_ms
from incidents.facts import decode_command, decode_fact
from incidents.sightings import is_newer, opened
from incidents.vocabulary import CommandType
from streams.deps import Deps
from streams.retold import Told, beyond_commits, with_told

log = structlog.get_logger(__name__)

WAIT_S = 0.2
CHUNK = 500


@dataclass
class Recorded:
    """What Kafka knows: the newest state of every case, and sights that are still on their way to closure."""

    cases: dict[CaseId, Case] = field(default_factory=dict)
    sights: list[Command] = field(default_factory=list)
    merges: list[Command] = field(default_factory=list)  # granted, and not yet decided
    told: list[Told] = field(default_factory=list)  # of which intake had said a fate, and not committed them


@dataclass(frozen=True)
class Filled:
    """What a rebuild put into the hot store, and how long it took."""

    cases: int
    sights: int
    seconds: float


async def rebuild(deps: Deps) -> None:
    """Return when the hot store is ready, whoever filled it. Raises TryAgain when Kafka or Redis is away."""
    vault = Vault(deps.hot)
    while not await deps.hot.is_ready():
        async with vault.lock() as ours:
            if ours and not await deps.hot.is_ready():
                await _fill(deps, vault)
        if not ours:
            await asyncio.sleep(WAIT_S)


async def refill(deps: Deps) -> Filled:
    """Rebuild by hand: shut everybody out, fill, let them in. Raises TryAgain when Kafka or Redis is away or goes away."""
    vault = Vault(deps.hot)
    while True:
        async with vault.lock() as ours:
            if ours:
                await vault.shut()
                return await _fill(deps, vault)
        await asyncio.sleep(WAIT_S)  # another one rebuilds; then ours is still wanted


async def _fill(deps: Deps, vault: Vault) -> Filled:
    began = time.monotonic()
    run_id = await vault.run_id()
    log.warning("rebuilding the hot store", city=deps.city.key, redis=run_id)
    try:
        recorded = await asyncio.to_thread(_read, deps.settings, deps.city.code)
    except UserError as error:
        raise TryAgain(str(error)) from error
    await vault.empty()
    cases = list(recorded.cases.values())
    store = RedisCases(deps.hot)
    for chunk in (cases[at : at + CHUNK] for at in range(0, len(cases), CHUNK)):
        async with vault.writing() as pipe:
            store.restore(pipe, chunk)
    async with vault.writing() as pipe:
        store.restore(pipe, (), recorded.merges)
    await vault.restore_sifting(with_told(_sighted(deps, recorded), recorded.told).values(), deps.city.catalogue)
    await vault.set_events_clock(_highest(cases))
    if cases:
        note = Out(deps.settings.named(FATES.name), b"rebuilt", encode_rebuilt(datetime.now(UTC)), partition=0)
        await deps.publisher.publish([note])
    if not await vault.open(run_id):
        raise TryAgain("Redis was started anew while it was filled")
    filled = Filled(len(cases), len(recorded.sights), round(time.monotonic() - began, 2))
    metrics.REBUILDS.inc()
    metrics.REBUILD_SECONDS.observe(filled.seconds)
    log.warning("hot store rebuilt", cases=filled.cases, sights=filled.sights, seconds=filled.seconds)
    return filled


def _read(settings: Settings, city_code: str) -> Recorded:
    """In a thread: kafka-python is synchronous."""
    recorded = Recorded(told=beyond_commits(settings))  # before the commands: a fate's sights are there by then
    bootstrap = settings.kafka_bootstrap
    latest = settings.named(CASES_LATEST.name)
    for record in read(bootstrap, latest, spans(bootstrap, latest)):
        if record.value is not None:
            _keep(recorded, Case.model_validate_json(record.value))
        elif record.key is not None:
            recorded.cases.pop(CaseId(record.key.decode()), None)
    forgotten = {case.case_id for case in recorded.cases.values() if case.forgotten}
    events = settings.named(CASE_EVENTS.name)
    now = round(time.time() * 1000)
    for record in read(bootstrap, events, between(bootstrap, events, now - DAY_MS, now + DAY_MS)):
        if record.value is not None and (newer := _newer(recorded, record.value)) is not None and newer.case_id not in forgotten:
            recorded.cases[newer.case_id] = newer
    for command in _waiting(settings, city_code):
        if command.type is CommandType.SIGHT:
            recorded.sights.append(command)
        elif command.type is CommandType.MERGE and command.target is not None and command.target.granted:
            recorded.merges.append(command)
    return recorded


def _keep(recorded: Recorded, case: Case) -> None:
    known = recorded.cases.get(case.case_id)
    if known is None or case.sequence > known.sequence:
        recorded.cases[case.case_id] = case


def _newer(recorded: Recorded, value: bytes) -> Case | None:
    """The case after a fact, if `cases.latest` does not hold it: only then is the whole of it worth validating."""
    try:
        event = orjson.loads(value)
        known = recorded.cases.get(event["data"]["case_id"])
        if known is not None and event["sequence"] <= known.sequence:
            return None
        return decode_fact(value).case
    except (ValueError, LookupError, TypeError, BadReport):
        return None  # projection and routing put it on the dead letters


def _waiting(settings: Settings, city_code: str) -> Iterable[Command]:
    commands = settings.named(CASE_COMMANDS.name)
    known = state(settings.kafka_bootstrap, commands, settings.named("closure"))
    begin = {p: max(known.starts[p], known.committed[p][0] if p in known.committed else known.starts[p]) for p in known.ends}
    wanted = {partition: Span(begin[partition], end) for partition, end in known.ends.items()}
    for record in read(settings.kafka_bootstrap, commands, wanted):
        try:
            command, _ = decode_command(record.value, city_code)
        except BadReport:
            continue  # closure puts it on the dead letters
        yield command


def _sighted(deps: Deps, recorded: Recorded) -> Mapping[CaseId, Case]:
    """The cases as sifting must know them: with what is told of them, but not yet applied by closure."""
    cases = {case_id: case for case_id, case in recorded.cases.items() if not case.forgotten}
    for command in recorded.sights:
        case = cases.get(command.case_id)
        if case is None and command.opening is not None and command.case_id not in recorded.cases:
            case = opened(deps.city, command, command.opening, command.opening.time)
        if case is not None:
            newer = {s: t for s, t in command.totals.items() if is_newer(t, case.totals.get(s))}
            last = max([case.last_seen, *(total.last for total in newer.values())])
            cases[case.case_id] = case.model_copy(update={"totals": {**case.totals, **newer}, "last_seen": last})
    return cases


def _highest(cases: Iterable[Case]) -> Mapping[int, int]:
    highest: dict[int, int] = {}
    for case in cases:
        for total in case.totals.values():
            highest[total.partition] = max(highest.get(total.partition, 0), epoch_ms(total.last))
    return highest

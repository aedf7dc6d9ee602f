"""Fills the hot store again from Kafka, when it is empty, restarted, failed over or another one (ARCHITECTURE.md §3).

One worker holds the lock and rebuilds, the others wait; `ready` is set last. The record is `cases.latest`, the last day of `cases.events`
(the highest sequence per case wins) and the `sight` commands that closure has not applied yet. What may be lost is written there too.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from adapters import metrics
from adapters.bus import Out
from adapters.case_store import RedisCases
from adapters.fates import encode_rebuilt
from adapters.reader import Record, between, read, spans, state
from adapters.restore import Vault
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST, DAY_MS, FATES
from incidents.audit import Span
from incidents.case import Case, Command, CommandType
from incidents.errors import BadReport, TryAgain, UserError
from incidents.events import CaseId, epoch_ms
from incidents.facts import decode_command, decode_fact
from incidents.sightings import opened
from streams.deps import Deps

log = structlog.get_logger(__name__)

WAIT_S = 0.2
CHUNK = 500


@dataclass
class Recorded:
    """What Kafka knows: the newest state of every case, and sights that are still on their way to closure."""

    cases: dict[CaseId, Case] = field(default_factory=dict)
    sights: list[Command] = field(default_factory=list)


async def rebuild(deps: Deps) -> None:
    """Return when the hot store is ready, whoever filled it. Raises TryAgain when Kafka or Redis is away."""
    vault = Vault(deps.hot)
    while not await deps.hot.is_ready():
        async with vault.lock() as ours:
            if ours and not await deps.hot.is_ready():
                await _fill(deps, vault)
        if not ours:
            await asyncio.sleep(WAIT_S)


async def _fill(deps: Deps, vault: Vault) -> None:
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
        await store.restore(chunk)
    await vault.restore_sifting(_sighted(deps, recorded), deps.city.catalogue)
    await vault.set_events_clock(_highest(cases))
    if cases:
        note = Out(deps.settings.named(FATES.name), b"rebuilt", encode_rebuilt(datetime.now(UTC)), partition=0)
        await deps.publisher.publish([note])
    if await vault.open(run_id):
        metrics.REBUILDS.inc()
        metrics.REBUILD_SECONDS.observe(time.monotonic() - began)
        log.warning("hot store rebuilt", cases=len(cases), sights=len(recorded.sights), seconds=round(time.monotonic() - began, 2))


def _read(settings: Settings, city_code: str) -> Recorded:
    """In a thread: kafka-python is synchronous."""
    recorded = Recorded()
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
        case = _case_of(record)
        if case is not None and case.case_id not in forgotten:
            _keep(recorded, case)
    recorded.sights = list(_waiting_sights(settings, city_code))
    return recorded


def _keep(recorded: Recorded, case: Case) -> None:
    known = recorded.cases.get(case.case_id)
    if known is None or case.sequence > known.sequence:
        recorded.cases[case.case_id] = case


def _case_of(record: Record) -> Case | None:
    try:
        return decode_fact(record.value).case
    except BadReport:
        return None  # projection and routing put it on the dead letters


def _waiting_sights(settings: Settings, city_code: str) -> Iterable[Command]:
    commands = settings.named(CASE_COMMANDS.name)
    known = state(settings.kafka_bootstrap, commands, settings.named("closure"))
    begin = {p: max(known.starts[p], known.committed[p][0] if p in known.committed else known.starts[p]) for p in known.ends}
    wanted = {partition: Span(begin[partition], end) for partition, end in known.ends.items()}
    for record in read(settings.kafka_bootstrap, commands, wanted):
        try:
            command, _ = decode_command(record.value, city_code)
        except BadReport:
            continue  # closure puts it on the dead letters
        if command.type is CommandType.SIGHT:
            yield command


def _sighted(deps: Deps, recorded: Recorded) -> Iterable[Case]:
    """The cases as sifting must know them: with what is told of them, but not yet applied by closure."""
    cases = {case_id: case for case_id, case in recorded.cases.items() if not case.forgotten}
    for command in recorded.sights:
        case = cases.get(command.case_id)
        if case is None and command.opening is not None and command.case_id not in recorded.cases:
            case = opened(deps.city, command, command.opening, command.opening.time)
        if case is not None:
            newer = {s: t for s, t in command.totals.items() if s not in case.totals or t.offset > case.totals[s].offset}
            last = max([case.last_seen, *(total.last for total in newer.values())])
            cases[case.case_id] = case.model_copy(update={"totals": {**case.totals, **newer}, "last_seen": last})
    return cases.values()


def _highest(cases: Iterable[Case]) -> Mapping[int, int]:
    highest: dict[int, int] = {}
    for case in cases:
        for total in case.totals.values():
            highest[total.partition] = max(highest.get(total.partition, 0), epoch_ms(total.last))
    return highest

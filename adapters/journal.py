"""The journal of people's acts in SQL: one chain per city, appended to in batches by whoever holds its head, signed and copied.

The console writes here before it answers: sign-ins, commands, unsealings, exports. What a chain and a checkpoint are stands in
`incidents.journal`; `cityloop journal verify` and GET /api/v1/journal read it. Entries are never forgotten.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.database import Database
from adapters.journal_tables import CHECKPOINTS, ENTRIES, HEADS
from adapters.secrets import Secrets
from config.settings import Settings
from incidents.errors import TryAgain
from incidents.journal import EVERY, Act, Checkpoint, Row, act, chained, genesis, iso

MOST_AT_ONCE = 1_000
SIGN_EVERY_S = 60.0
"""How long the newest entries may stand without a checkpoint while a console runs."""

Now = Callable[[], datetime]
log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Batch:
    acts: list[Act] = field(default_factory=list)
    written: "Future[int]" = field(default_factory=Future)


class Journal:
    """A city's journal. Thread-safe; what waits while a transaction runs goes into the next one together."""

    def __init__(self, database: Database, city: str, secrets: Secrets, copy: Path, now: Now = _utc_now) -> None:
        self.city = city
        self.database = database
        self._secrets = secrets
        self._copy = copy
        self._now = now
        self._writer = ThreadPoolExecutor(1, "journal")
        self._lock = threading.Lock()
        self._open: _Batch | None = None

    def append(self, kind: str, person: str, what: Mapping[str, Any]) -> int:
        """Write that `person` did this, and wait until it is durable; the entry's number. For threads.

        `what` may name `case_id` and `district`, by which entries are found and shown to a district's auditor; what is personal in it
        is masked. Raises TryAgain when the database is away: then do not do what was to be journalled.
        """
        batch, place = self._join(act(kind, person, what))
        return batch.written.result() + place

    async def write(self, kind: str, person: str, what: Mapping[str, Any]) -> int:
        """The same for the event loop. The entry is written even if the waiting task is cancelled."""
        batch, place = self._join(act(kind, person, what))
        return await asyncio.shield(asyncio.wrap_future(batch.written)) + place

    def _join(self, done: Act) -> tuple[_Batch, int]:
        with self._lock:
            batch = self._open
            if batch is None or len(batch.acts) >= MOST_AT_ONCE:
                batch = self._open = _Batch()
                batch.written = self._writer.submit(self._write, batch)
            batch.acts.append(done)
            return batch, len(batch.acts) - 1

    def _write(self, batch: _Batch) -> int:
        with self._lock:
            if self._open is batch:
                self._open = None
        at = self._now()
        with self.database.write() as connection:
            sequence, head = self._hold(connection)
            rows = list(chained(batch.acts, sequence, head, at))
            connection.execute(insert(ENTRIES), [self._stored(row) for row in rows])
            self._move(connection, rows[-1].sequence, rows[-1].hash)
            signed = [self._sign(row.sequence, row.hash, at) for row in rows if row.sequence % EVERY == 0]
            self._keep(connection, signed)
        self._copy_out(signed)
        return sequence + 1

    def _stored(self, row: Row) -> dict[str, Any]:
        return {"city": self.city, "sequence": row.sequence, "body": row.body, "hash": row.hash, **row.columns}

    def _hold(self, connection: Connection) -> tuple[int, bytes]:
        """The end of the chain, held until the transaction ends."""
        query = select(HEADS.c.sequence, HEADS.c.hash).where(HEADS.c.city == self.city).with_for_update()
        if (held := connection.execute(query).one_or_none()) is None:
            dialect = sqlite if self.database.is_sqlite else postgresql
            first = {"city": self.city, "sequence": 0, "hash": genesis(self.city)}
            connection.execute(dialect.insert(HEADS).values(first).on_conflict_do_nothing())
            held = connection.execute(query).one()
        return held.sequence, held.hash

    def _move(self, connection: Connection, sequence: int, head: bytes) -> None:
        connection.execute(update(HEADS).where(HEADS.c.city == self.city).values(sequence=sequence, hash=head))

    def _sign(self, sequence: int, head: bytes, at: datetime) -> Checkpoint:
        bare = Checkpoint(self.city, sequence, head, iso(at))
        return Checkpoint(bare.city, bare.sequence, bare.head, bare.at, self._secrets.sign(bare.message))

    def _keep(self, connection: Connection, signed: Iterable[Checkpoint]) -> None:
        rows = [{"city": s.city, "sequence": s.sequence, "head": s.head, "at": s.at, "signature": s.signature} for s in signed]
        if rows:
            connection.execute(insert(CHECKPOINTS), rows)

    def checkpoint(self) -> Checkpoint | None:
        """Sign the journal up to its newest entry, unless that is done; the newest checkpoint, None for an empty journal."""
        with self.database.write() as connection:
            sequence, head = self._hold(connection)
            if sequence == 0:
                return None
            if (known := self.signed_at(connection, sequence)) is not None:
                return known
            signed = self._sign(sequence, head, self._now())
            self._keep(connection, [signed])
        self._copy_out([signed])
        return signed

    def signed_at(self, connection: Connection, sequence: int) -> Checkpoint | None:
        """The first checkpoint of this entry or a later one."""
        query = select(CHECKPOINTS).where(CHECKPOINTS.c.city == self.city, CHECKPOINTS.c.sequence >= sequence)
        row = connection.execute(query.order_by(CHECKPOINTS.c.sequence).limit(1)).one_or_none()
        return None if row is None else Checkpoint(*row)

    async def keep_signed(self) -> None:
        """For ever: sign what is new once a minute; a database that is away is asked again then."""
        while True:
            with suppress(TryAgain):
                await asyncio.to_thread(self.checkpoint)
            await asyncio.sleep(SIGN_EVERY_S)

    def _copy_out(self, signed: Iterable[Checkpoint]) -> None:
        """To the second place. What is committed stays so if that is full or away: it is said in the log, which has it too."""
        lines = [orjson.dumps(each.as_json(), option=orjson.OPT_APPEND_NEWLINE) for each in signed]
        if not lines:
            return
        log.info("journal signed", **orjson.loads(lines[-1]))
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._copy, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "wb") as file:
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.error("journal not copied", path=str(self._copy), why=error.strerror)

    def close(self) -> None:
        """Write what waits and end the writer."""
        self._writer.shutdown()


def copy_path(settings: Settings) -> Path:
    """Where checkpoints are copied to: CITYLOOP_JOURNAL_COPY, or a file below the local folder."""
    return settings.journal_copy or settings.local_dir / "journal" / f"{settings.named(settings.city)}.checkpoints"


def open_journal(settings: Settings, database: Database, secrets: Secrets) -> Journal:
    """The journal of these settings' city."""
    return Journal(database, settings.named(settings.city), secrets, copy_path(settings))


def stored_rows(connection: Connection, city: str, first: int = 1, last: int | None = None) -> Iterator[Row]:
    """Entries in order, a thousand at a time."""
    query = select(ENTRIES).where(ENTRIES.c.city == city, ENTRIES.c.sequence >= first).order_by(ENTRIES.c.sequence)
    if last is not None:
        query = query.where(ENTRIES.c.sequence <= last)
    for row in connection.execute(query, execution_options={"yield_per": 1_000}):
        columns = {"at": row.at, "kind": row.kind, "person": row.person, "case_id": row.case_id, "district": row.district}
        yield Row(row.sequence, row.body, row.hash, columns)

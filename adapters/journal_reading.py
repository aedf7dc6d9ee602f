"""Reading the journal: whose entries, what is wrong with it, and proofs of a case's entries for its file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, false, select

from adapters.database import Database
from adapters.journal import Journal, stored_rows
from adapters.journal_tables import CHECKPOINTS, ENTRIES, HEADS
from adapters.secrets import is_signed
from incidents.errors import UserError
from incidents.journal import Checkpoint, Examination, checkpoint_from, genesis, proof_of
from incidents.rights import Scope


@dataclass(frozen=True)
class Wanted:
    """Which entries: of a case, by a person, of a kind, since and until a moment (`incidents.journal.iso`), numbered below `before`."""

    case: str | None = None
    person: str | None = None
    kind: str | None = None
    since: str | None = None
    until: str | None = None
    before: int | None = None


def entries(database: Database, city: str, scope: Scope, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """The newest entries first, as `{sequence, at, kind, person, what, hash}`; a district's auditor sees those that name the district."""
    asked = [
        (ENTRIES.c.case_id.__eq__, wanted.case),
        (ENTRIES.c.person.__eq__, wanted.person),
        (ENTRIES.c.kind.__eq__, wanted.kind),
        (ENTRIES.c.at.__ge__, wanted.since),
        (ENTRIES.c.at.__lt__, wanted.until),
        (ENTRIES.c.sequence.__lt__, wanted.before),
    ]
    query = select(ENTRIES.c.body, ENTRIES.c.hash).where(ENTRIES.c.city == city)
    query = query.where(*(compare(value) for compare, value in asked if value is not None))
    if scope.districts is not None:
        query = query.where(ENTRIES.c.district.in_(scope.districts))
    if scope.subdistricts is not None:  # entries do not name it, and auditors are not narrowed to one
        query = query.where(false())
    with database.read() as connection:
        rows = connection.execute(query.order_by(ENTRIES.c.sequence.desc()).limit(limit))
        return [{**orjson.loads(row.body), "hash": row.hash.hex()} for row in rows]


def examine(database: Database, city: str, public: bytes, copies: Iterator[Checkpoint]) -> Examination:
    """Read the whole journal, as it was at one moment, against the checkpoints in SQL and those of the copies."""
    with database.read() as connection:
        if not database.is_sqlite:  # whose readers see one moment anyway
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        signed = [Checkpoint(*row) for row in connection.execute(select(CHECKPOINTS).where(CHECKPOINTS.c.city == city))]
        head = connection.execute(select(HEADS.c.sequence, HEADS.c.hash).where(HEADS.c.city == city)).one_or_none()
        seen = Examination(city, [*signed, *copies], lambda message, signature: is_signed(public, message, signature))
        for row in stored_rows(connection, city):
            seen.take(row)
        seen.end(None if head is None else (head.sequence, head.hash))
    return seen


def copied(path: Path) -> Iterator[Checkpoint]:
    """The checkpoints of a copy. A last line without its end was being written when the machine stopped. Raises UserError for any other."""
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        try:
            yield checkpoint_from(orjson.loads(line))
        except (ValueError, KeyError, TypeError):
            if line.endswith(b"\n"):
                raise UserError(f"{path}:{number} is no checkpoint; compare with another copy, or with the console's log") from None


def proofs(journal: Journal, case_id: str) -> list[dict[str, Any]]:
    """Every entry of a case with its proof (`incidents.journal.proves`), oldest first; signs what is not yet signed."""
    journal.checkpoint()
    query = select(ENTRIES.c.sequence).where(ENTRIES.c.city == journal.city, ENTRIES.c.case_id == case_id).order_by(ENTRIES.c.sequence)
    with journal.database.read() as connection:
        return [_proof(connection, journal, number) for number in connection.execute(query).scalars().all()]


def _proof(connection: Connection, journal: Journal, number: int) -> dict[str, Any]:
    signed = journal.signed_at(connection, number)
    assert signed is not None, f"entry {number} was signed before it was asked for"
    rows = list(stored_rows(connection, journal.city, number - 1, signed.sequence))
    before = genesis(journal.city) if number == 1 else rows.pop(0).hash
    return proof_of(rows, before, signed)

"""The store of evidence: bytes in `adapters.blobs`, all that is known of them in SQL (`adapters.evidence_tables`).

The console takes uploads into it and asks it before a command goes out; the demo's people and cameras bring theirs directly. A file is its
bytes after stripping, whoever brings it and as often as it comes. Every call raises TryAgain when the database or the storage is away;
calling again is harmless.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.blobs import Blobs, open_blobs
from adapters.database import Database
from adapters.evidence_tables import PICTURES, PROOFS, SHOWN, UPLOADS
from adapters.pictures import Read
from config.settings import Settings
from incidents.events import epoch_ms
from incidents.evidence_rules import SUFFIXES, Picture, Taken, Upload
from incidents.worktime import EPOCH

THUMBNAIL = "320.jpg"
EXPIRED_AT_ONCE = 200
FACTS = ("sha256", "media_type", "size", "width", "height", "lon", "lat")


@dataclass(frozen=True)
class Arrival:
    """How a file came: `original` is the sha256 of the bytes as they came, by which a client knows it; `at` and `taken` are on the city's
    clock; `case_id` is a case that shall show it and that the uploader may see."""

    original: str
    by: Upload
    at: datetime
    taken: Taken
    case_id: str | None = None


class EvidenceStore:
    """One store; thread-safe. `days` and `unused_days` are how long files of cases, and of none, are kept after their last upload."""

    def __init__(  # noqa: PLR0913  # what it keeps things in, and for how long
        self, database: Database, blobs: Blobs, days: int, unused_days: int, wall: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._days = timedelta(days=days)
        self._unused_days = timedelta(days=unused_days)
        self._wall = wall

    def take(self, file: Read, arrival: Arrival) -> Picture:
        """Keep a file and what is known of it; of one that is here already the first knowledge stands. Durable when it returns."""
        sha256 = hashlib.sha256(file.data).hexdigest()
        self._blobs.put(_name(sha256, SUFFIXES[file.media_type]), file.data, file.media_type)
        if file.thumbnail is not None:
            self._blobs.put(_name(sha256, THUMBNAIL), file.thumbnail, "image/jpeg")
        taken, now_ms = arrival.taken, int(self._wall() * 1000)
        known = {
            "sha256": sha256,
            "media_type": file.media_type,
            "size": len(file.data),
            "width": file.width,
            "height": file.height,
            "captured_at": None if taken.captured_at is None else epoch_ms(taken.captured_at),
            "lon": taken.lon,
            "lat": taken.lat,
            "stored_at": epoch_ms(arrival.at),
            "kept_since": now_ms,
        }
        brought = {"sha256": sha256, "original": arrival.original, "at": now_ms} | arrival.by.model_dump()
        with self._database.write() as connection:
            self._add(connection, PICTURES, [known])
            self._add(connection, UPLOADS, [brought])
            if arrival.case_id is not None:
                self._add(connection, SHOWN, [{"sha256": sha256, "case_id": arrival.case_id}])
            connection.execute(update(PICTURES).where(PICTURES.c.sha256 == sha256).values(kept_since=now_ms))
            return _pictures(connection, {sha256})[sha256]

    def known(self, hashes: Iterable[str]) -> dict[str, Picture]:
        """The pictures behind these hashes, by the hash as it was asked: of the bytes as they are kept, or as they came."""
        asked = set(hashes)
        with self._database.read() as connection:
            came = select(UPLOADS.c.original, UPLOADS.c.sha256).where(UPLOADS.c.original.in_(asked))
            kept = {original: sha256 for original, sha256 in connection.execute(came)}
            found = _pictures(connection, asked | set(kept.values()))
        return {each: found[sha256] for each in asked if (sha256 := each if each in found else kept.get(each, "")) in found}

    def content(self, picture: Picture) -> bytes | None:
        """The bytes; None when they are gone."""
        return self._blobs.get(_name(picture.sha256, SUFFIXES[picture.media_type]))

    def thumbnail(self, picture: Picture) -> bytes | None:
        """A JPEG of at most 320 pixels; None of a recording."""
        return self._blobs.get(_name(picture.sha256, THUMBNAIL)) if picture.width is not None else None

    def claim(self, hashes: Iterable[str], case_id: str, command_id: str) -> str | None:
        """Note that these pictures prove that this case was handled or checked; the hash of one that proves another, and nothing is noted.

        Of two that claim one picture at the same time one gets it. The case shows them from now on.
        """
        wanted = sorted(set(hashes))
        with self._database.write() as connection:
            self._add(connection, PROOFS, [{"sha256": each, "case_id": case_id, "command_id": command_id} for each in wanted])
            others = select(PROOFS.c.sha256).where(PROOFS.c.sha256.in_(wanted), PROOFS.c.case_id != case_id)
            other: str | None = connection.scalars(others).first()
            if other is not None:
                connection.rollback()
                return other
            self._add(connection, SHOWN, [{"sha256": each, "case_id": case_id} for each in wanted])
        return None

    def release(self, command_id: str) -> None:
        """The command was refused: what it claimed may prove another case."""
        with self._database.write() as connection:
            connection.execute(delete(PROOFS).where(PROOFS.c.command_id == command_id))

    def expire(self) -> int:
        """Forget files whose time is over; how many. To be called again while it returns `EXPIRED_AT_ONCE`."""
        now = EPOCH + timedelta(seconds=self._wall())
        is_used = or_(
            exists().where(SHOWN.c.sha256 == PICTURES.c.sha256),
            exists().where(SHOWN.c.sha256 == UPLOADS.c.original, UPLOADS.c.sha256 == PICTURES.c.sha256),
        )
        old, unused = PICTURES.c.kept_since < epoch_ms(now - self._days), PICTURES.c.kept_since < epoch_ms(now - self._unused_days)
        query = select(PICTURES.c.sha256, PICTURES.c.media_type).where(or_(old, unused & ~is_used)).limit(EXPIRED_AT_ONCE)
        with self._database.read() as connection:
            over = connection.execute(query).all()
        for sha256, media_type in over:
            self._blobs.remove(_name(sha256, SUFFIXES[media_type]))
            self._blobs.remove(_name(sha256, THUMBNAIL))
        with self._database.write() as connection:
            for table in (PICTURES, UPLOADS, SHOWN):
                connection.execute(delete(table).where(table.c.sha256.in_([sha256 for sha256, _ in over])))
        return len(over)

    def _add(self, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            dialect = sqlite if self._database.is_sqlite else postgresql
            connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def open_evidence(settings: Settings, database: Database) -> EvidenceStore:
    """The store of these settings. Raises UserError when they name none."""
    return EvidenceStore(database, open_blobs(settings), settings.evidence_days, settings.evidence_unused_days)


def _name(sha256: str, suffix: str) -> str:
    return f"{sha256[:2]}/{sha256}.{suffix}"


def _pictures(connection: Connection, hashes: set[str]) -> dict[str, Picture]:
    """By the hash of the bytes as they are kept."""
    rows = connection.execute(select(PICTURES).where(PICTURES.c.sha256.in_(hashes))).mappings().all()
    here = {row["sha256"] for row in rows}
    uploads = (
        connection.execute(select(UPLOADS).where(UPLOADS.c.sha256.in_(here)).order_by(UPLOADS.c.at, UPLOADS.c.person)).mappings().all()
    )
    names = {name: row["sha256"] for row in uploads for name in (row["original"], row["sha256"])}
    shown = [(names[name], case_id) for name, case_id in connection.execute(select(SHOWN).where(SHOWN.c.sha256.in_(names)))]
    proofs = {names[name]: case_id for name, case_id, _ in connection.execute(select(PROOFS).where(PROOFS.c.sha256.in_(names)))}
    return {
        row["sha256"]: Picture(
            **{name: row[name] for name in FACTS},
            captured_at=None if row["captured_at"] is None else _moment(row["captured_at"]),
            stored_at=_moment(row["stored_at"]),
            uploads=tuple(dict.fromkeys(_upload(each) for each in uploads if each["sha256"] == row["sha256"])),
            cases=tuple(sorted({case_id for sha256, case_id in shown if sha256 == row["sha256"]})),
            proof_of=proofs.get(row["sha256"]),
        )
        for row in rows
    }


def _upload(row: RowMapping) -> Upload:
    return Upload(person=row["person"], district=row["district"], unit=row["unit"])


def _moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)

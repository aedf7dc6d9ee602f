"""Silences in SQL: made by the console, `amtool` and `cityloop hooks silence`, read by the dispatcher of notices once a second.

Every change is in the journal, under the name of who made it, before it is done. An expired silence is shown for five days, as
Alertmanager's is, and then forgotten; the journal keeps it.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Column, Connection, Index, Row, String, Table, Text, delete, insert, select, update

from adapters.database import METADATA, Database
from config.notice_tree import matcher_of
from incidents.errors import UserError
from incidents.journal import Kind
from incidents.notice_decide import Silence
from incidents.silences import KeptSilence, Standing, Wish

SHOWN_AFTER = timedelta(hours=120)
"""Alertmanager's `--data.retention`."""
WARN_BEFORE = timedelta(minutes=30)
"""How long before its end a silence's owner is told; at most half of what it lasts."""

SILENCES = Table(
    "silences",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("wish", Text, nullable=False),
    Column("over_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("warned_at", BigInteger),
)
Index("silences_over_at", SILENCES.c.city, SILENCES.c.over_at)

Record = Callable[[str, str, Mapping[str, Any]], object]
"""`Journal.append`."""


class NoSuchSilence(UserError):
    """There is no silence of this id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"there is no silence {id_}; `cityloop hooks silence list` shows those there are")


def _nobody(*_: object) -> None:
    raise AssertionError("who only reads silences was given no journal")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Silences:
    """The silences of a city (its name with the stack's namespace). For threads; every method raises TryAgain without its database."""

    def __init__(self, database: Database, city: str, record: Record = _nobody, now: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._city = city
        self._record = record
        self._now = now

    def put(self, wish: Wish, person: str, replaces: str | None = None) -> KeptSilence:
        """Keep a wish, in the place of `replaces` where Alertmanager lets it, otherwise as a new silence that ends that one.

        What should have started before now starts now. Raises UserError for a wish that is over, for a matcher that is none and for
        matchers that would silence everything; NoSuchSilence.
        """
        now = self._now()
        _check(wish, now)
        old = None if replaces is None else self.get(replaces)
        if old is not None and old.may_become(wish, now):
            kept = _kept(old.id, wish, now)
        else:
            starts = max(wish.starts_at, now) if wish.repeats.step is None else wish.starts_at
            starts = starts.replace(microsecond=starts.microsecond // 1000 * 1000)  # amtool sends back milliseconds: the same must be found
            kept = _kept(str(uuid.uuid4()), wish.model_copy(update={"starts_at": starts}), now)
        self._record(Kind.SILENCE, person, {"act": "put", "silence": _shown(kept), "replaces": replaces})
        with self._database.write() as connection:
            if old is not None and old.id != kept.id and old.standing(now) is not Standing.EXPIRED:
                self._write(connection, _ended(old, now))
            self._write(connection, kept)
            gone = int((now - SHOWN_AFTER).timestamp() * 1000)
            connection.execute(delete(SILENCES).where(SILENCES.c.city == self._city, SILENCES.c.over_at < gone))
        return kept

    def get(self, id_: str) -> KeptSilence:
        """One. Raises NoSuchSilence."""
        with self._database.read() as connection:
            row = connection.execute(self._rows().where(SILENCES.c.id == id_)).one_or_none()
        if row is None:
            raise NoSuchSilence(id_)
        return _of(row)

    def expire(self, id_: str, person: str) -> KeptSilence:
        """End it now. Raises NoSuchSilence, and UserError when it has ended."""
        now, old = self._now(), self.get(id_)
        if old.standing(now) is Standing.EXPIRED:
            raise UserError(f"silence {id_} has ended already, at {old.over.isoformat()}")
        ended = _ended(old, now)
        self._record(Kind.SILENCE, person, {"act": "expire", "id": id_})
        with self._database.write() as connection:
            self._write(connection, ended)
        return ended

    def listed(self, *, expired: bool = True) -> list[KeptSilence]:
        """All that are shown, those that end first at the head; without `expired` only those that are still to come or hold."""
        query = self._rows().order_by(SILENCES.c.over_at, SILENCES.c.id)
        if not expired:
            query = query.where(SILENCES.c.over_at > int(self._now().timestamp() * 1000))
        with self._database.read() as connection:
            return [_of(row) for row in connection.execute(query)]

    def warned(self, ids: Iterable[str]) -> None:
        """Their owners have been told that they end soon."""
        at = int(self._now().timestamp() * 1000)
        with self._database.write() as connection:
            mine = SILENCES.c.city == self._city
            connection.execute(update(SILENCES).where(mine, SILENCES.c.id.in_(list(ids))).values(warned_at=at))

    def _rows(self) -> Any:
        return select(SILENCES).where(SILENCES.c.city == self._city)

    def _write(self, connection: Connection, kept: KeptSilence) -> None:
        row = {
            "wish": kept.model_dump_json(exclude={"id", "updated_at", "warned_at"}),
            "over_at": int(kept.over.timestamp() * 1000),
            "updated_at": int(kept.updated_at.timestamp() * 1000),
            "warned_at": None,
        }
        connection.execute(delete(SILENCES).where(SILENCES.c.city == self._city, SILENCES.c.id == kept.id))
        connection.execute(insert(SILENCES), {"city": self._city, "id": kept.id, **row})


def in_force(kept: Iterable[KeptSilence], at: datetime, zone: ZoneInfo) -> list[Silence]:
    """What the board needs at this moment: each silence's current time and its next."""
    return [
        Silence(each.id, matchers, start, end)
        for each in kept
        if (matchers := tuple(map(matcher_of, each.matchers)))
        for start, end in each.windows(at, zone)
    ]


def ending(kept: Iterable[KeptSilence], at: datetime) -> list[KeptSilence]:
    """Those that end soon and whose owner was not told."""
    return [
        each
        for each in kept
        if each.warned_at is None
        and each.standing(at) is Standing.ACTIVE
        and each.over - at <= min(WARN_BEFORE, (each.over - each.starts_at) / 2)
    ]


def _check(wish: Wish, now: datetime) -> None:
    if wish.over <= now:
        raise UserError(f"the silence ends at {wish.over.isoformat()}, which is over; choose a later end")
    try:
        matchers = [matcher_of(text) for text in wish.matchers]
    except ValueError as error:
        raise UserError(str(error)) from None
    if all(matcher.matches({}) for matcher in matchers):
        raise UserError("these matchers also match what has none of their labels, which would silence everything; add one that does not")


def _kept(id_: str, wish: Wish, now: datetime) -> KeptSilence:
    return KeptSilence(id=id_, updated_at=now, **wish.model_dump(include=set(Wish.model_fields)))


def _ended(old: KeptSilence, now: datetime) -> KeptSilence:
    """As Alertmanager ends one: it stays with what it was, up to now. One that had not begun has no time at all, so none is left."""
    end = {"ends_at": now} if old.until is None else {"until": now}
    return old.model_copy(update={"starts_at": min(old.starts_at, now - timedelta(milliseconds=1)), "updated_at": now, **end})


def _of(row: Row[Any]) -> KeptSilence:
    warned = None if row.warned_at is None else _time(row.warned_at)
    return _kept(row.id, Wish.model_validate_json(row.wish), _time(row.updated_at)).model_copy(update={"warned_at": warned})


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _shown(kept: KeptSilence) -> dict[str, Any]:
    return kept.model_dump(mode="json", exclude={"updated_at", "warned_at"})

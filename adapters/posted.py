"""Posted alerts in SQL, each with the case of its present occurrence: what still has to be told of it survives every restart.

A row begins with the first firing and goes when its end was told. `report` is a report that is not durable in Kafka yet, `orders` are
commands that wait for the case to stand: whoever carries them on (console/posted.py) may do so twice, all of it is idempotent.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Index, String, Table, Text, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.database import METADATA, Database
from incidents.commands import Command
from incidents.events import CaseId, epoch_ms
from incidents.posted import Occurrence, Posted, met

MESSAGES_KEPT = timedelta(days=30)
MOST_DUE = 500
"""Rows that one look at what is due gives."""

POSTED = Table(
    "posted_alerts",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("fingerprint", String(16), primary_key=True),
    Column("alert", Text, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("report", Text),
    Column("orders", Text),
)
Index("posted_alerts_ends_at", POSTED.c.city, POSTED.c.ends_at)
MESSAGES = Table(
    "alert_messages",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("message", String(64), primary_key=True),
    Column("fingerprint", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)

Opens = Callable[[Posted], Occurrence]
Orders = Callable[[CaseId], Sequence[Command]]


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """A posted alert as it is known, the case of its present occurrence, and what still has to be told."""

    alert: Posted
    case_id: CaseId
    report: bytes | None
    orders: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of another system that is taken once; `orders` are what it wants of the case that it is about."""

    name: str
    orders: Orders | None = None

    @property
    def key(self) -> str:
        """Short enough for an index."""
        return hashlib.sha256(self.name.encode()).hexdigest()


class PostedAlerts:
    """The posted alerts of a city (its name with the stack's namespace). For threads; every method raises TryAgain without its database."""

    def __init__(self, database: Database, city: str) -> None:
        self._database = database
        self._city = city

    def put(self, alerts: Sequence[Posted], now: datetime, opens: Opens, message: Message | None = None) -> bool:
        """Take in what was posted; what begins to fire gets its occurrence. False, and nothing done, for a message taken before."""
        with self._database.write() as connection:
            if message is not None and alerts and not self._is_new(connection, message, alerts[0].fingerprint, now):
                return False
            latest = {alert.fingerprint: alert for alert in alerts}
            for name in sorted(latest):  # one order for all writers, or two could wait for each other
                self._put(connection, latest[name], now, opens, message)
        return True

    def find(self, messages: Collection[Message]) -> KeptAlert | None:
        """The alert that one of these messages was about, if it is still kept."""
        about = select(MESSAGES.c.fingerprint).where(MESSAGES.c.city == self._city, MESSAGES.c.message.in_([each.key for each in messages]))
        found = self._ask(POSTED.c.fingerprint.in_(about))
        return found[0] if found else None

    def firing(self, now: datetime) -> list[KeptAlert]:
        """Those that are not over, by name."""
        return self._ask(POSTED.c.ends_at > epoch_ms(now))

    def due(self, now: datetime) -> list[KeptAlert]:
        """Those of which something must be told: a report, an order, an end."""
        over = POSTED.c.ends_at <= epoch_ms(now)
        return self._ask(or_(POSTED.c.report.is_not(None), POSTED.c.orders.is_not(None), over), MOST_DUE)

    def reported(self, cases: Collection[CaseId]) -> None:
        """The reports that open these cases are durable."""
        self._set(cases, report=None)

    def ordered(self, cases: Collection[CaseId]) -> None:
        """What was wanted of these cases was commanded, or is wanted no more."""
        self._set(cases, orders=None)

    def ended(self, cases: Collection[CaseId], now: datetime, opens: Opens) -> None:
        """The end of these cases is told, or they will never be: the occurrence is over. What fires again meanwhile has a new one."""
        if not cases:
            return
        mine = and_(POSTED.c.city == self._city, POSTED.c.case_id.in_(cases))
        with self._database.write() as connection:
            connection.execute(delete(POSTED).where(mine, POSTED.c.ends_at <= epoch_ms(now)))
            for row in connection.execute(select(POSTED).where(mine).with_for_update()).mappings().all():
                values = _begun(opens(Posted.model_validate_json(row["alert"])))
                connection.execute(update(POSTED).where(mine, POSTED.c.fingerprint == row["fingerprint"]).values(values))

    def _put(self, connection: Connection, alert: Posted, now: datetime, opens: Opens, message: Message | None) -> None:
        row = and_(POSTED.c.city == self._city, POSTED.c.fingerprint == alert.fingerprint)
        known = connection.execute(select(POSTED).where(row).with_for_update()).mappings().one_or_none()
        after = met(Posted.model_validate_json(known["alert"]) if known else None, alert, now)
        if known is None and not after.fires(now):
            return
        values: dict[str, str | int | None] = {"alert": after.model_dump_json(), "ends_at": epoch_ms(after.ends_at)}
        if known is None:
            self._add(connection, POSTED, {"city": self._city, "fingerprint": alert.fingerprint, **values, **_begun(opens(after))})
            return
        if message is not None and message.orders is not None:
            wanted = [each.model_dump(mode="json") for each in message.orders(CaseId(known["case_id"]))]
            values["orders"] = orjson.dumps([*orjson.loads(known["orders"] or "[]"), *wanted]).decode()
        connection.execute(update(POSTED).where(row).values(values))

    def _is_new(self, connection: Connection, message: Message, name: str, now: datetime) -> bool:
        old = epoch_ms(now - MESSAGES_KEPT)
        connection.execute(delete(MESSAGES).where(MESSAGES.c.city == self._city, MESSAGES.c.at < old))
        return self._add(connection, MESSAGES, {"city": self._city, "message": message.key, "fingerprint": name, "at": epoch_ms(now)})

    def _add(self, connection: Connection, table: Table, row: dict[str, object]) -> bool:
        """Another process may have been quicker: then its row stands, and this one's word comes again with the next repeat."""
        dialect = sqlite if self._database.is_sqlite else postgresql
        added = dialect.insert(table).values(row).on_conflict_do_nothing().returning(table.c.city)
        return connection.execute(added).first() is not None

    def _set(self, cases: Collection[CaseId], **values: None) -> None:
        if cases:
            with self._database.write() as connection:
                connection.execute(update(POSTED).where(POSTED.c.city == self._city, POSTED.c.case_id.in_(cases)).values(values))

    def _ask(self, wanted: ColumnElement[bool], most: int | None = None) -> list[KeptAlert]:
        query = select(POSTED).where(POSTED.c.city == self._city, wanted).order_by(POSTED.c.fingerprint).limit(most)
        with self._database.read() as connection:
            return [
                KeptAlert(
                    Posted.model_validate_json(row["alert"]),
                    CaseId(row["case_id"]),
                    row["report"] and row["report"].encode(),
                    tuple(Command.model_validate(each) for each in orjson.loads(row["orders"] or "[]")),
                )
                for row in connection.execute(query).mappings()
            ]


def _begun(occurrence: Occurrence) -> dict[str, str | int | None]:
    return {"case_id": occurrence.case_id, "report": orjson.dumps(occurrence.report).decode(), "orders": None}

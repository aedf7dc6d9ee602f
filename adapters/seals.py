"""Sealing: personal values of a report become ciphers before it reaches Kafka, and are opened again for a person with a purpose.

AES-256-GCM under a key per report (adapters/seal_keys.py), bound to the report, the field and the key; HMAC-SHA256 under the city's key
for equality. What is personal stands in `incidents.sealing`. Used at the edges (console's POST /events, producers) and by unsealing.
"""

import asyncio
import base64
import binascii
import hmac
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.database import Database, open_database
from adapters.journal import Journal
from adapters.seal_keys import Gone, Key, KeyStore
from adapters.secrets import Secrets, load_secrets
from config.settings import Settings
from incidents.errors import BadReport, TryAgain
from incidents.journal import Kind
from incidents.sealing import WHOLE, Bound, Found, Json, at_edge, head, may_be_personal, normal, sealed, whole

NONCE_BYTES = 12
MATCH_LETTERS = 32
EXPIRE_EVERY_S = 3600.0


class Opened(NamedTuple):
    """A sealed value, opened; or the day (YYYYMMDD) on which its key was erased, or why it cannot be opened."""

    found: Found
    value: Any = None
    erased_on: str = ""
    why: str = ""


class Sealer:
    """Seals and opens for one city. Thread-safe. Whatever seals may raise TryAgain: the database of keys is away, nothing was sealed."""

    def __init__(self, keys: KeyStore, city_secret: bytes) -> None:
        self.keys = keys
        self._secret = city_secret

    def seal_report(self, report: Json) -> Json:
        """A report of the shape that intake reads, its personal values sealed; the same object when it has none.

        Raises BadReport for a plate that cannot exist.
        """
        return sealed(report, self._by(report["source"], report["id"]))

    def seal_reports(self, reports: Sequence[Json]) -> list[Json]:
        """The same of many, in this order."""
        return [self.seal_report(report) for report in reports]

    def seal_value(self, value: bytes | None) -> bytes | None:
        """A record's value from a producer, whatever it is; the same bytes when it holds nothing personal.

        What cannot be read, and so not be sealed field by field, travels sealed as a whole; intake rejects it for the reason it has.
        """
        if value is None or not may_be_personal(value):
            return value
        try:
            report = at_edge(value)
            done = self.seal_report(report)
        except BadReport as error:
            return orjson.dumps(whole(error, self._by("", "")(WHOLE, head(value), ""), len(value)))
        return value if done is report else orjson.dumps(done)

    def _by(self, source: str, report_id: str) -> Callable[[str, Any, str], Json]:
        """Seals the values of one report, all under the key that its first one takes."""
        key: Key | None = None

        def seal(field: str, value: Any, within: str) -> Json:
            nonlocal key
            key = key or self.keys.take()
            nonce = os.urandom(NONCE_BYTES)
            cipher = AESGCM(key.secret).encrypt(nonce, orjson.dumps(value), Bound(source, report_id, field).aad(key.id))
            return {"sealed": base64.b64encode(nonce + cipher).decode(), "key": key.id, "match": self.match(field, value, within)}

        return seal

    def match(self, field: str, value: Any, within: str = "") -> str:
        """What is equal for equal values of a field; of a household only `within` its building."""
        text = "\0".join((field, within, normal(field, value)))
        return hmac.digest(self._secret, text.encode("utf-8", "replace"), "sha256").hex()[:MATCH_LETTERS]

    def open(self, found: Iterable[Found]) -> list[Opened]:
        """Every value, in this order. Raises UserError when the keys are under another wrapping key. Journal first, then call this."""
        wanted = list(found)
        keys = self.keys.find(each.seal["key"] for each in wanted)
        return [_opened(each, keys[each.seal["key"]]) for each in wanted]


def _opened(found: Found, key: Key | Gone) -> Opened:
    if isinstance(key, Gone):
        return Opened(found, erased_on=key.day, why="" if key.day else "its key is not in this database")
    try:
        cipher = base64.b64decode(found.seal["sealed"], validate=True)
        text = AESGCM(key.secret).decrypt(cipher[:NONCE_BYTES], cipher[NONCE_BYTES:], found.bound.aad(key.id))
    except (InvalidTag, binascii.Error, ValueError):
        return Opened(found, why="the seal is broken, or stood in another report or field")
    return Opened(found, orjson.loads(text))


def make_sealer(settings: Settings, database: Database, secrets: Secrets, now: Callable[[], datetime] | None = None) -> Sealer:
    """The sealer of a city on a database that is upgraded."""
    return Sealer(KeyStore(database, secrets.wrapping, settings.seal_days, now or _now), secrets.city)


@contextmanager
def open_sealer(settings: Settings) -> Iterator[Sealer]:
    """The same from the settings alone. Raises UserError without secrets, TryAgain without a database."""
    secrets = load_secrets(settings)
    with closing(open_database(settings)) as database:
        database.upgrade()
        yield make_sealer(settings, database, secrets)


async def keep_expired(sealer: Sealer, journal: Journal) -> None:
    """For ever: delete the keys whose last day is over, and say so in the journal; a database that is away is asked again in an hour."""
    while True:
        with suppress(TryAgain):
            await asyncio.to_thread(expire, sealer, journal)
        await asyncio.sleep(EXPIRE_EVERY_S)


def expire(sealer: Sealer, journal: Journal, person: str = "system:seals") -> int:
    """Delete every key whose last day is over, journalled; how many there were."""
    expired = sealer.keys.expire()
    if expired:
        journal.append(Kind.ERASED, person, {"why": "expired", "keys": expired})
    return expired


def _now() -> datetime:
    return datetime.now(UTC)

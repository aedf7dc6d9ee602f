"""Signed one-tap links: who holds one may acknowledge one case as one person until it ends, and nothing else.

A link is a capability: its token is signed (HMAC-SHA256 under a key of its own derived from the session key), so it is asked of nobody
whether it was given out, and none is kept. It names the case and the person's key, nothing about them. Real time, never the city's clock.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from adapters.secrets import Secrets

LASTS = timedelta(hours=12)
"""Longer than a night on duty; an escalation that nobody took by then has gone up and been told anew."""


class Link(NamedTuple):
    """What a token says: this person, this case, until then."""

    case_id: str
    person: str
    until: datetime


class Links:
    """Signs and reads tokens."""

    def __init__(self, secrets: Secrets, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._signer = URLSafeSerializer(
            secrets.session, salt="cityloop one-tap acknowledge v1", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )
        self.now = now

    def token(self, case_id: str, person: str) -> str:
        """A token for this case and person, good for twelve hours; letters that stand in an address as they are."""
        return str(self._signer.dumps([case_id, person, int((self.now() + LASTS).timestamp())]))

    def read(self, token: str) -> Link | None:
        """What it says, whether or not it has ended; None for a token that was not signed here."""
        try:
            case_id, person, until = self._signer.loads(token)
        except BadData:
            return None
        return Link(case_id, person, datetime.fromtimestamp(until, UTC))

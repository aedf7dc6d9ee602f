"""How many requests an account, a token or an unknown address may still make in this minute: counted in Redis for all consoles together.

While Redis is away each console counts for itself, for at most ten thousand of them: an engine that is away must not shut people out.
Windows are the minutes of the clock; a count is forgotten with its window.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage

from config.settings import Settings

WINDOW_S = 60
ANSWERS_WITHIN_S = 0.25
ASKED_AGAIN_AFTER_S = 5.0
MOST_COUNTED = 10_000


class Whose(StrEnum):
    """Who is counted."""

    ACCOUNT = "account"
    TOKEN = "token"
    ADDRESS = "address"


@dataclass(frozen=True)
class Rate:
    """After a request: how many a minute has, how many are left, in how many seconds it starts anew, and whether this one was too many."""

    limit: int
    left: int
    reset_s: int
    exceeded: bool


class Rates:
    """The counts. Thread-safe."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._items = {
            Whose.ACCOUNT: RateLimitItemPerMinute(settings.rate_account),
            Whose.TOKEN: RateLimitItemPerMinute(settings.rate_token),
            Whose.ADDRESS: RateLimitItemPerMinute(settings.rate_address),
        }
        prefix = f"{settings.named(settings.city)}:rates"
        self._shared = RedisStorage(
            settings.redis_url,
            key_prefix=prefix,
            wrap_exceptions=True,
            socket_timeout=ANSWERS_WITHIN_S,
            socket_connect_timeout=ANSWERS_WITHIN_S,
        )
        self._ask_shared_at = 0.0
        self._lock = threading.Lock()
        self._own: OrderedDict[str, int] = OrderedDict()

    def hit(self, whose: Whose, who: str) -> Rate:
        """Count one request."""
        now, item = self._now(), self._items[whose]
        window = int(now // WINDOW_S)
        count = self._count(item.key_for(whose, who, str(window)), now)
        reset = int((window + 1) * WINDOW_S - now) + 1
        return Rate(item.amount, max(0, item.amount - count), reset, count > item.amount)

    def _count(self, key: str, now: float) -> int:
        if now >= self._ask_shared_at:
            try:
                return self._shared.incr(key, WINDOW_S)
            except StorageError:
                self._ask_shared_at = now + ASKED_AGAIN_AFTER_S
        with self._lock:
            self._own[key] = self._own.pop(key, 0) + 1
            if len(self._own) > MOST_COUNTED:
                self._own.popitem(last=False)
            return self._own[key]

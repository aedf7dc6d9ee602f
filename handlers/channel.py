"""What a channel is: how a notice becomes bytes for one kind of receiver, and what the receiver's answer means.

One file each under handlers/channels/, discovered by being there (`CHANNEL` is its instance). Everything in it is pure: the engine
(handlers/engine.py) queues, sends, waits, tries again and gives up, the same for all.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel

from handlers.words import NO_WORDS, Words
from incidents.notices import Notice


class Profile(StrEnum):
    """How hard a delivery is tried (ALERTS.md §12): `standard` for systems, `urgent` for what somebody must hear now."""

    STANDARD = "standard"
    URGENT = "urgent"


class Failure(StrEnum):
    """Why an attempt failed: Alertmanager's reasons, and our own of a target that takes nothing any more or lost its process."""

    CLIENT = "clientError"
    SERVER = "serverError"
    AUTH = "authError"
    RATE = "rateLimited"
    DEADLINE = "contextDeadlineExceeded"
    CANCELLED = "contextCanceled"
    OTHER = "other"


class Outcome(StrEnum):
    """What the engine does next: done; later; never again at this target; never again with this notice."""

    OK = "ok"
    RETRY = "retry"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. `after` is the wait that the receiver asked for; `detail` is for people and holds no secret."""

    outcome: Outcome
    reason: Failure | None = None
    after: timedelta | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a receiver takes, in any 60 seconds and in any one; the rest goes into digests."""

    per_minute: int
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it goes out. The URL's scheme chooses the transport: http(s), or smtp(s) with `method` "SEND", the envelope in
    `headers` ("from", "to") and the whole mail as `body`. `complaint` says what is wrong with the body of an answer that the channel
    took for a success, None when nothing is: for receivers whose codes only their target's configuration knows."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complaint: Callable[[bytes], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One configured address. `name` is stable and unique in a city (`<receiver>/<kind>/<n>`), it names the target's line in the queue.

    `settings` is an instance of the channel's model; `secrets` are the contents of the files it names, the newest first; `fallback` are
    the names of the targets that are told too when this one was not reached in time. `words` are the city's names for people; `links`
    are, by case id, the addresses by which this very person acknowledges a case with one tap.
    """

    name: str
    kind: str
    settings: BaseModel
    profile: Profile = Profile.STANDARD
    send_resolved: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)
    fallback: tuple[str, ...] = ()
    words: Words = field(default=NO_WORDS, repr=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False)


class Channel(Protocol):
    """One kind of receiver."""

    kind: str
    settings: type[BaseModel]
    limit: Limit | None
    most_bytes: int

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """The bytes to send, signed as of `at` (UTC), at most `most_bytes` of body. Called anew for every attempt.

        Raises ValueError for a notice that cannot be written (a template that fails): it is then refused and seen on the dead letters.
        """

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """What the answer means; header names are lower case, the body is the first 4 kB."""

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """One notice for several that the limit holds up; `incidents.notices.digest_of` unless a channel knows better."""


class Answer(Protocol):
    """What a receiver said."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    @property
    def body(self) -> bytes:
        """The first 4 kB."""


class NotSent(Exception):
    """No answer came: refused address, no connection, broken off, too late. Whether the receiver has it is not known."""

    def __init__(self, reason: Failure, detail: str, *, final: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.final = final  # trying again cannot help


class Transport(Protocol):
    """Carries one message to where it says."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """The answer. Raises NotSent; ends within the engine's time for an attempt."""

    async def close(self) -> None:
        """Let go of the connections."""


def judge_http(status: int, headers: Mapping[str, str], at: datetime | None = None) -> Verdict:
    """What an HTTP status means where a protocol says nothing else (ALERTS.md §4): 3xx is never followed, 410 ends it all.

    `at` is needed only for a Retry-After that is a date; without it such a one is left out.
    """
    detail = f"HTTP {status}"
    if 200 <= status < 300:
        return Verdict(Outcome.OK)
    if status == 410:
        return Verdict(Outcome.GONE, Failure.CLIENT, None, detail)
    if status == 429:
        return Verdict(Outcome.RETRY, Failure.RATE, retry_after(headers, at), detail)
    if status in (401, 403):
        return Verdict(Outcome.RETRY, Failure.AUTH, None, detail)
    if status >= 500 or status in (408, 425):
        return Verdict(Outcome.RETRY, Failure.SERVER, retry_after(headers, at), detail)
    return Verdict(Outcome.RETRY, Failure.CLIENT, None, detail)


def retry_after(headers: Mapping[str, str], at: datetime | None = None) -> timedelta | None:
    """The header as a wait (RFC 9110 §10.2.3), None when it is missing or makes no sense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    if at is None:
        return None
    try:
        return max(parsedate_to_datetime(text) - at, timedelta(0))
    except (TypeError, ValueError):
        return None


def channels() -> dict[str, Channel]:
    """Every channel there is, by kind: the modules of handlers/channels that have a `CHANNEL`."""
    package = importlib.import_module("handlers.channels")
    modules = (importlib.import_module(f"handlers.channels.{found.name}") for found in pkgutil.iter_modules(package.__path__))
    return {module.CHANNEL.kind: module.CHANNEL for module in modules if hasattr(module, "CHANNEL")}

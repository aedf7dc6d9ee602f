"""The store of evidence as a signed-in person meets it: what they bring, what they may see, and what of it may prove that a case is done.

`console.routes.evidence` serves it; the commands' route asks `resolve` before a command goes to Kafka and says `settle` when its outcome is
known. Every method may wait for SQL or the storage: call it in a thread.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.clock import CityClock
from adapters.evidence import EXPIRED_AT_ONCE, Arrival, EvidenceStore
from adapters.pictures import NotTaken, TooManyPixels, read
from console.problems import Problem, not_found
from incidents.commands import Command, Evidence
from incidents.errors import TryAgain
from incidents.events import epoch_ms
from incidents.evidence_rules import MOST_BYTES, Picture, Taken, Upload, believable, resolved, taken_by_device
from incidents.guards_parties import SHA256
from incidents.refusals import Why
from incidents.rights import Person, Scope, scope_of
from incidents.vocabulary import CommandType

PROVES = frozenset({CommandType.REPORT_HANDLED, CommandType.PASS_CHECK})
"""Commands whose pictures are proof of one case and of no other."""
EXPIRE_EVERY_S = 3600.0
YEARS = range(1990, 2200)

Sees = Callable[[Scope, Iterable[str]], bool]
"""Whether any of these cases exists for this scope."""


class Evidences:
    """The port of a console; thread-safe."""

    def __init__(self, store: EvidenceStore, clock: CityClock, time_zone: str, sees: Sees) -> None:
        self._store = store
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._sees = sees

    def take(self, data: bytes, person: Person, told: Taken, case_id: str | None) -> Picture:
        """Keep a file. `told` is what was said beside it, on the device's clock.

        Raises Problem: 413 for a file that is too large, 415 for one that is no evidence, 404 for a case that the person does not see.
        """
        if len(data) > MOST_BYTES:
            raise _too_large(f"the file has {len(data):,} bytes, at most {MOST_BYTES:,} are taken; send it smaller")
        if case_id is not None and not self._sees(scope_of(person), [case_id]):
            raise not_found("case", case_id)
        try:
            file = read(data, self._zone)
        except NotTaken as error:
            raise Problem(415, "media_type", "This file is no evidence", str(error)) from None
        except TooManyPixels as error:
            raise _too_large(str(error)) from None
        now, taken = self._clock.now(), taken_by_device(file.taken, told)
        taken = taken.model_copy(update={"captured_at": believable(self._on_city_clock(taken.captured_at), now)})
        by = Upload(person=person.id, district=person.district, unit=person.unit)
        return self._store.take(file, Arrival(hashlib.sha256(data).hexdigest(), by, now, taken, case_id))

    def _on_city_clock(self, at: datetime | None) -> datetime | None:
        """Cameras run by the real clock, a demo's city runs faster. None for a year in which nobody takes pictures."""
        return self._clock.at(epoch_ms(at), at) if at is not None and at.year in YEARS else None

    def find(self, sha256: str, person: Person) -> Picture:
        """What is known of a file. Raises Problem 404 where there is none, or none for this person."""
        picture = self._known([sha256], person).get(sha256.lower())
        if picture is None:
            raise not_found("picture", sha256)
        return picture

    def _known(self, hashes: Iterable[str], person: Person) -> dict[str, Picture]:
        found = self._store.known(each.lower() for each in hashes if SHA256.fullmatch(each))
        return {name: picture for name, picture in found.items() if self._may_see(picture, person)}

    def _may_see(self, picture: Picture, person: Person) -> bool:
        """Who brought it, who sees a case that shows it; and while no case does, who acts for the same district or unit."""
        if any(each.person == person.id for each in picture.uploads):
            return True
        scope = scope_of(person)
        if picture.cases:
            return self._sees(scope, picture.cases)
        return any(scope.covers(each.district, [each.unit]) for each in picture.uploads)

    def content(self, picture: Picture) -> bytes:
        """The file. Raises Problem 404 when it is gone."""
        return self._there(self._store.content(picture), picture)

    def thumbnail(self, picture: Picture) -> bytes:
        """A JPEG of at most 320 pixels. Raises Problem 404 for a recording."""
        return self._there(self._store.thumbnail(picture), picture)

    @staticmethod
    def _there(data: bytes | None, picture: Picture) -> bytes:
        if data is None:
            raise not_found("picture", picture.sha256)
        return data

    def resolve(self, command: Command, person: Person) -> tuple[Evidence, ...] | str:
        """The evidence of a command as the store knows it, whatever the client said, or why it proves nothing, for a person to act on.

        Pictures of a handling or a check are its proof from now on, and no other case's. Asking again for the same case is harmless.
        """
        known = self._known((each.sha256 for each in command.evidence if each.sha256), person)
        evidence = resolved(command.evidence, known, command.case_id)
        if isinstance(evidence, tuple) and command.type in PROVES:
            hashes = [each.sha256 for each in evidence if each.sha256]
            if hashes and (other := self._store.claim(hashes, command.case_id, command.id)) is not None:
                return Why.USED_PICTURE.say(sha256=other[:12])
        return evidence

    def settle(self, command: Command, accepted: bool) -> None:
        """Closure has answered: what a refused command would have proved is free again."""
        if not accepted and command.evidence and command.type in PROVES:
            self._store.release(command.id)

    async def keep_expired(self) -> None:
        """For ever: once an hour, forget the files whose time is over."""
        while True:
            with suppress(TryAgain):
                while await asyncio.to_thread(self._store.expire) == EXPIRED_AT_ONCE:
                    pass
            await asyncio.sleep(EXPIRE_EVERY_S)


def _too_large(detail: str) -> Problem:
    return Problem(413, "too_large", "That is too much for one request", detail)

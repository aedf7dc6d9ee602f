"""The journal of people's acts as a chain: how an entry follows from the one before, what a checkpoint signs, what an examination finds.

Each entry's raw bytes are hashed onto the hash before it, so nothing inside can change, vanish or move unseen. Checkpoints are signed and
kept in a second place, so that cutting off the end or rewriting everything shows too. `adapters.journal` keeps it in SQL. Entries name
staff, cases and kinds of things; what is personal about anybody else is masked before it gets here, and once more here.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from math import isfinite
from typing import Any

DOMAIN = b"cityloop.journal.v1\n"
EVERY = 256
"""Every entry whose number is a multiple of this has a signed checkpoint: its absence is a finding."""
CASE, DISTRICT = "case_id", "district"
"""Members of `what` that entries can be asked by, and that decide which district's auditor sees them."""

_MASK = "…"
_PERSONAL = re.compile(
    r"(?<![\w.-])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\w-])"  # mobile numbers
    r"|(?<![\w.-])0\d{2,3}[ -]?\d{7,8}(?![\w-])"  # landlines
    r"|(?<![\w.-])\d{17}[\dXx](?![\w-])"  # identity cards
    r"|[\u4e00-\u9fff][A-HJ-NP-Z][ ·]?[A-HJ-NP-Z0-9]{5,6}(?![\w-])"  # plates
    r"|[^\s@]{1,64}@[^\s@]{1,255}\.[a-z]{2,}"
)

SigningCheck = Callable[[bytes, bytes], bool]
"""`(message, signature)`: whether the city's journal key signed it."""


class Kind(StrEnum):
    """What an entry is about."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    COMMAND = "command"
    UNSEALED = "unsealed"
    ERASED = "erased"
    EXPORTED = "exported"
    ACCOUNT = "account"
    TOKEN = "token"
    SILENCE = "silence"
    HOOKS = "hooks"


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be written: `person` did `kind`. Make it with `act`, which takes out what is personal."""

    kind: str
    person: str
    what: Mapping[str, Any]


def act(kind: str, person: str, what: Mapping[str, Any]) -> Act:
    """An act; `what` holds what JSON has, by names; phone numbers, plates and the like in its texts are masked.

    Raises TypeError for anything else, at once: in a batch it would take the acts of others with it.
    """
    return Act(str(kind), person, {str(name): _clean(value) for name, value in what.items()})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _PERSONAL.sub(_MASK, value)
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _clean(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    raise TypeError(f"the journal takes no {type(value).__name__}: say it in text or numbers")


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is stored; the columns besides `body` and `hash` only repeat what `body` says, to be asked by."""

    sequence: int
    body: bytes
    hash: bytes
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """That the journal of `city` up to and with `sequence` has the hash `head`; `at` is when that was signed, UTC, ISO 8601."""

    city: str
    sequence: int
    head: bytes
    at: str
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """What is signed."""
        return DOMAIN + json.dumps([self.city, self.sequence, self.head.hex(), self.at], ensure_ascii=False).encode()

    def as_json(self) -> dict[str, Any]:
        """For a copy or a proof."""
        return {
            "city": self.city,
            "sequence": self.sequence,
            "head": self.head.hex(),
            "at": self.at,
            "signature": self.signature.hex(),
        }


def checkpoint_from(given: Mapping[str, Any]) -> Checkpoint:
    """What `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return Checkpoint(given["city"], int(given["sequence"]), bytes.fromhex(given["head"]), given["at"], bytes.fromhex(given["signature"]))


class Fault(StrEnum):
    """What can be wrong with a journal."""

    CHANGED = "changed"
    MISSING = "missing"
    MOVED = "moved"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    UNSIGNED = "unsigned"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the entries `first` to `last`, and in words why."""

    fault: Fault
    first: int
    last: int
    detail: str


def genesis(city: str) -> bytes:
    """The hash before the first entry: chains of two cities never look alike."""
    return sha256(DOMAIN + city.encode()).digest()


def link(before: bytes, body: bytes) -> bytes:
    """The hash of an entry: over the one before and the digest of its raw bytes (so that a proof need not show its neighbours)."""
    return link_digest(before, sha256(body).digest())


def link_digest(before: bytes, digest: bytes) -> bytes:
    """The same, of an entry of which only the digest is known."""
    return sha256(DOMAIN + before + digest).digest()


def body_of(act: Act, sequence: int, at: datetime) -> bytes:
    """The bytes of an entry: JSON with sorted keys."""
    body = {"sequence": sequence, "at": iso(at), "kind": act.kind, "person": act.person, "what": act.what}
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def iso(at: datetime) -> str:
    """A moment in the journal's form: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def columns_of(body: bytes) -> dict[str, Any]:
    """What the columns beside a body must say."""
    said = json.loads(body)
    return {
        "at": said["at"],
        "kind": said["kind"],
        "person": said["person"],
        CASE: said["what"].get(CASE),
        DISTRICT: said["what"].get(DISTRICT),
    }


class Examination:
    """Reads a journal from its first entry to its last and keeps what is wrong with it; memory grows with checkpoints only."""

    def __init__(self, city: str, checkpoints: Iterable[Checkpoint], is_signed: SigningCheck) -> None:
        self.findings: list[Finding] = []
        self.entries = 0
        self.last = 0
        self.signed_to = 0
        """The last entry up to which a checkpoint vouches for every one."""
        self._before: bytes | None = genesis(city)
        self._signed: dict[int, Checkpoint] = {}
        self._rewritten = False
        for each in checkpoints:
            self._admit(city, each, is_signed)

    def _admit(self, city: str, each: Checkpoint, is_signed: SigningCheck) -> None:
        other = self._signed.get(each.sequence)
        if each.city != city or not is_signed(each.message, each.signature):
            self._find(Fault.FORGED, each.sequence, each.sequence, "a checkpoint here is not signed with this city's journal key")
        elif other is not None and other.head != each.head:
            self._find(Fault.REWRITTEN, 1, each.sequence, "two signed checkpoints here name different hashes: there were two journals")
        else:
            self._signed[each.sequence] = each

    def take(self, row: Row) -> None:
        """The next entry, in the order of `sequence`."""
        self.entries += 1
        if row.sequence > self.last + 1:
            self._find(Fault.MISSING, self.last + 1, row.sequence - 1, "not there")
            self._before = None
        self._check(row)
        self._compare(row)
        self._before, self.last = row.hash, row.sequence

    def _check(self, row: Row) -> None:
        try:
            said = json.loads(row.body)["sequence"]
            columns = columns_of(row.body)
        except (ValueError, KeyError, TypeError, AttributeError):
            self._find(Fault.CHANGED, row.sequence, row.sequence, "its bytes are no entry")
            return
        if said != row.sequence:
            self._find(Fault.MOVED, row.sequence, row.sequence, f"what stands here was written as entry {said}")
        elif self._before is not None and link(self._before, row.body) != row.hash:
            self._find(
                Fault.CHANGED, row.sequence, row.sequence, "it does not follow from the entry before it: it was changed, or that one was"
            )
        elif columns != row.columns:
            wrong = ", ".join(sorted(name for name in columns if columns[name] != row.columns.get(name)))
            self._find(Fault.CHANGED, row.sequence, row.sequence, f"its columns ({wrong}) are not what its bytes say")

    def _compare(self, row: Row) -> None:
        signed = self._signed.get(row.sequence)
        if signed is None:
            if row.sequence % EVERY == 0:
                self._find(Fault.UNSIGNED, row.sequence, row.sequence, f"no checkpoint, though every {EVERY}th entry has one")
        elif signed.head == row.hash:
            self.signed_to = row.sequence
        elif not self._rewritten:
            self._rewritten = True
            self._find(Fault.REWRITTEN, self.signed_to + 1, row.sequence, f"not what was signed on {signed.at}")

    def end(self, head: tuple[int, bytes] | None) -> None:
        """After the last entry; `head` is what the journal says of its own end (number, hash), None for one never begun."""
        most = max([*self._signed, head[0] if head else 0])
        if most > self.last:
            why = f"the journal ends with {self.last}; {'signed' if most in self._signed else 'written'} up to {most}"
            self._find(Fault.TRUNCATED, self.last + 1, most, why)
        elif self.last and (head is None or head[0] < self.last or head[1] != self._before):
            self._find(Fault.CHANGED, self.last, self.last, "the journal's own note of its end is another one")

    def _find(self, fault: Fault, first: int, last: int, detail: str) -> None:
        self.findings.append(Finding(fault, first, last, detail))


def proof_of(rows: Sequence[Row], before: bytes, signed: Checkpoint) -> dict[str, Any]:
    """That the first of `rows` is in the signed journal: its bytes, and the digests of those after it up to the checkpoint.

    `rows` are consecutive and end with the checkpoint's entry; `before` is the hash in front of them.
    """
    digests = [sha256(row.body).hexdigest() for row in rows[1:]]
    return {"entry": rows[0].body.decode(), "before": before.hex(), "digests": digests, "checkpoint": signed.as_json()}


def proves(proof: Mapping[str, Any], is_signed: SigningCheck) -> bool:
    """Whether a proof holds; needs nothing but the journal's public key."""
    signed = checkpoint_from(proof["checkpoint"])
    head = link(bytes.fromhex(proof["before"]), proof["entry"].encode())
    for digest in proof["digests"]:
        head = link_digest(head, bytes.fromhex(digest))
    return head == signed.head and is_signed(signed.message, signed.signature)


def chained(acts: Iterable[Act], sequence: int, head: bytes, at: datetime) -> Iterator[Row]:
    """The entries that follow after entry `sequence` with the hash `head`."""
    for number, act in enumerate(acts, sequence + 1):
        body = body_of(act, number, at)
        head = link(head, body)
        yield Row(number, body, head, columns_of(body))

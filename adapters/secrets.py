"""The city's secrets: four keys in a folder of their own, read once at start and passed on as one value; they are never logged or shown.

Every role that seals, signs people in or keeps the journal loads them. The local stack (`cityloop up`, the demo) makes its own below
CITYLOOP_LOCAL_DIR; anywhere else a person makes them with `cityloop secrets init`, and a role without them refuses to start.
"""

import base64
import binascii
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.stack_state import StateFile
from config.settings import Settings
from incidents.errors import UserError

KEY_BYTES = 32
FILES = {
    "city": "city.key",
    "wrapping": "wrapping.key",
    "journal": "journal.key",
    "session": "session.key",
}
PUBLIC = "journal.pub"
"""Not secret: whoever holds a copy outside can prove what the journal's checkpoints say."""


@dataclass(frozen=True)
class Secrets:
    """Four keys of 32 random bytes each.

    `city` makes equal values equal under HMAC (losing it: new reports no longer match old ones); `wrapping` wraps the keys under which
    personal data is sealed (losing it erases all of it); `journal` is the seed of the Ed25519 key that signs checkpoints; `session`
    binds CSRF tokens to sessions and signs one-tap links.
    """

    city: bytes = field(repr=False)
    wrapping: bytes = field(repr=False)
    journal: bytes = field(repr=False)
    session: bytes = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The journal's signature, 64 bytes (Ed25519, RFC 8032: the same message has the same one)."""
        return Ed25519PrivateKey.from_private_bytes(self.journal).sign(message)

    @property
    def journal_public(self) -> bytes:
        """The public key of `sign`, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.journal).public_key().public_bytes_raw()


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key (32 bytes) signed this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def load_secrets(settings: Settings) -> Secrets:
    """The secrets of CITYLOOP_SECRETS_DIR; without it those of the local stack, made the first time.

    Raises UserError with the next act: nothing set outside the local stack, a file missing, open to others, or no key.
    """
    if settings.secrets_dir is not None:
        return read_secrets(settings.secrets_dir)
    if not _is_local_stack(settings):
        raise UserError(
            "no secrets: CITYLOOP_SECRETS_DIR is not set, and Kafka and Redis are not those of the local stack (`cityloop up`), which has "
            "its own; run `cityloop secrets init /etc/cityloop/secrets` once and give every role of this city "
            "CITYLOOP_SECRETS_DIR=/etc/cityloop/secrets (docs/people.md)"
        )
    folder = settings.local_dir / "secrets"
    init_secrets(folder)
    return read_secrets(folder)


def init_secrets(folder: Path) -> bool:
    """Makes a folder with fresh secrets, all or nothing; False where it stands already: existing keys are never overwritten.

    Raises UserError when the folder cannot be made, or holds something else.
    """
    if (folder / FILES["city"]).exists():
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".secrets-", dir=folder.parent))  # 0700
        try:
            _write_all(made)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if (folder / FILES["city"]).exists():  # another process was quicker
            return False
        raise UserError(f"cannot make {folder} ({error.strerror}); name a new folder that this user may make") from None
    return True


def _write_all(folder: Path) -> None:
    keys = Secrets(*(secrets.token_bytes(KEY_BYTES) for _ in FILES))
    for name, file in FILES.items():
        _write(folder / file, getattr(keys, name), 0o600)
    _write(folder / PUBLIC, keys.journal_public, 0o644)


def _write(path: Path, key: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(base64.b64encode(key) + b"\n")


def read_secrets(folder: Path) -> Secrets:
    """The secrets of this folder. Raises UserError naming the file and what to do."""
    return Secrets(**{name: _secret(folder / file) for name, file in FILES.items()})


def _secret(path: Path) -> bytes:
    key = read_key(path)
    if path.stat().st_mode & 0o077:
        raise UserError(f"{path} is open to other users; run `chmod 600 {path}` and think about who may have read it")
    return key


def read_key(path: Path) -> bytes:
    """One key, secret or public: 32 bytes, base64 in one line. Raises UserError."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise UserError(f"no secrets: {path} is missing; run `cityloop secrets init {path.parent}`, or put it back from the copy") from None
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}); it must belong to the user that runs this role") from None
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise UserError(f"{path} is damaged: it must be {KEY_BYTES} bytes in base64; put it back from the copy")
    return key


def _is_local_stack(settings: Settings) -> bool:
    """Whether both engines are those that `cityloop up` started for this local_dir."""
    addresses = StateFile(settings.local_dir).load().addresses
    mine = {"kafka_bootstrap": settings.kafka_bootstrap, "redis_url": settings.redis_url}
    return bool(addresses) and all(addresses.get(name) == address for name, address in mine.items())

"""Configuration that is read again while a process runs: noticed by its content, checked as a whole, taken or refused.

What is refused is said once, in the log and in `cityloop_files_refused`, and what was read before stays in force. A file is looked at when
it was the same twice in a row, so that one which is being written is left alone; who asks for it (SIGHUP) has it read at once.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from adapters import metrics
from incidents.errors import UserError

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0

T = TypeVar("T")


class Followed(Generic[T]):
    """What `files` say, as `value`. `read` raises UserError for what a person must put right; the first time it is the caller's.

    A file that is missing is a content too. Not for several threads at once.
    """

    def __init__(self, name: str, files: Sequence[Path], read: Callable[[], T]) -> None:
        self._name, self._files, self._read = name, files, read
        self._tried = self._before = self._content()
        self.value = read()
        metrics.FILES_REFUSED.labels(name).set(0)

    def look(self, *, at_once: bool = False) -> bool:
        """Whether `value` is another one now. Blocks for as long as reading takes; `at_once` reads also what did not change."""
        found, before = self._content(), self._before
        self._before = found
        if not at_once and (found == self._tried or found != before):
            return False
        self._tried = found
        try:
            self.value = self._read()
        except (UserError, OSError) as error:
            self._said("refused")
            log.error("changed files are refused, the former stay in force", files=self._name, why=str(error))
            return False
        self._said("taken")
        log.info("changed files are in force", files=self._name)
        return True

    def _content(self) -> str:
        return hashlib.sha256(b"".join(hashlib.sha256(_bytes(path)).digest() for path in self._files)).hexdigest()

    def _said(self, result: str) -> None:
        metrics.FILES_READ.labels(self._name, result).inc()
        metrics.FILES_REFUSED.labels(self._name).set(result == "refused")


def _bytes(path: Path) -> bytes:
    try:
        return b"+" + path.read_bytes()
    except OSError:  # missing, or not ours to read: `read` says which
        return b"-"


async def follow(*followed: Followed[T]) -> None:
    """Look at them for ever."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for each in followed:
            await asyncio.to_thread(each.look)

"""Finds and ends processes of ours by what they run, never by a pid in a file: a pid may belong to somebody else by now.

Ours is a process whose arguments hold both the program and the path of a configuration file that only this stack has.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from incidents.errors import UserError

ENDS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Mark:
    """What the arguments of a process of ours hold: `program` at the end of one, `file` as one or at the end of one."""

    program: str
    file: Path

    def fits(self, arguments: list[str]) -> bool:
        """Whether these are the arguments of such a process."""
        return str(self.file) in arguments and any(argument.endswith(self.program) for argument in arguments)


def running(mark: Mark) -> list[int]:
    """Pids of the processes that fit, of this user or another."""
    return [pid for pid, arguments in _all_processes() if mark.fits(arguments)]


def end(mark: Mark) -> int:
    """Ends the processes that fit (SIGTERM, after 20 s SIGKILL) and returns how many. Raises UserError when one is another user's."""
    pids = running(mark)
    for with_signal, patience_s in ((signal.SIGTERM, ENDS_WITHIN_S), (signal.SIGKILL, ENDS_WITHIN_S)):
        for pid in running(mark):
            _signal(pid, with_signal)
        deadline = time.monotonic() + patience_s
        while running(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
    return len(pids)


def _signal(pid: int, with_signal: signal.Signals) -> None:
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        return
    except PermissionError:
        raise UserError(f"process {pid} of this stack belongs to another user; stop it as that user: kill {pid}") from None


def _all_processes() -> Iterator[tuple[int, list[str]]]:
    if not Path("/proc/self/cmdline").exists():
        yield from _processes_by_ps()
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            yield int(entry.name), (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except OSError:
            continue  # it ended while we looked


def _processes_by_ps() -> Iterator[tuple[int, list[str]]]:
    for line in subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout.splitlines():
        pid, *arguments = line.split()
        yield int(pid), arguments

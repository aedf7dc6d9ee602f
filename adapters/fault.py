"""Fault points: places where a test lets the process kill or stop itself, so that every promise is tried where it hurts most."""

import os
import signal


class Fault:
    """`CITYLOOP_FAULT=[stop@]<point>[:<n>]` kills this process (SIGKILL) when it comes by that point the n-th time (the first).

    With `stop@` it is stopped (SIGSTOP) there instead, once, and goes on as a zombie when somebody wakes it (SIGCONT).
    """

    def __init__(self, spec: str) -> None:
        self._signal = signal.SIGSTOP if spec.startswith("stop@") else signal.SIGKILL
        spec = spec.removeprefix("stop@")
        head, _, times = spec.rpartition(":")
        counted = head and times.isdigit()
        self._point = head if counted else spec
        self._left = int(times) if counted else 1

    def reached(self, point: str) -> None:
        """Say that the process is at this point."""
        if self._point != point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)

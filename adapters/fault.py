"""Fault points: places where a test lets the process kill itself, so that every promise about kills is tried where it hurts most."""

import os
import signal


class Fault:
    """`CITYLOOP_FAULT=<point>[:<n>]` kills this process (SIGKILL) when it comes by that point for the n-th time, the first by default."""

    def __init__(self, spec: str) -> None:
        head, _, times = spec.rpartition(":")
        counted = head and times.isdigit()
        self._point = head if counted else spec
        self._left = int(times) if counted else 1

    def reached(self, point: str) -> None:
        """Say that the process is at this point."""
        if self._point != point:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

"""Waiting for a condition with a deadline and a message, instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(answer: Callable[[], T], what: str, within_s: float = 60.0) -> T:
    """The first true answer. Fails the test naming `what` and the last answer when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (value := answer()):
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}; last answer: {value!r}"
        time.sleep(0.02)
    return value

"""Journeys: promises kept by the real worker over the real Kafka and Redis. Each test has a namespace, and workers, of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.journeys.process import Worker

NewWorker = Callable[..., Worker]
"""`worker(settings, "--only", "intake,closure", CITYLOOP_FAULT="intake:called")`: started and ready; `ready=False` does not wait."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[NewWorker]:
    """Starts workers; they are stopped afterwards, and a failed test shows the end of their logs."""
    started: list[Worker] = []

    def start(settings: Settings, *words: str, ready: bool = True, **variables: object) -> Worker:
        new = Worker(settings, words, variables, tmp_path / f"worker-{len(started)}.log")
        started.append(new)
        return new.start(ready)

    yield start
    for each in started:
        print(f"--- {each.log.name}\n{each.tail()}")  # pytest shows it when the test failed
    for each in started:
        each.stop()

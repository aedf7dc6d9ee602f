"""The command line in a test's own namespace, over the hand-written history of tests/audit/records.py."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.main import run
from config.settings import Settings
from tests.audit.records import History
from tests.conftest import environment

Cityloop = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def cityloop(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cityloop:
    """`cityloop("case", "list", "--json")` → exit code, stdout (parsed when it is JSON), stderr."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run(words)
        said = capsys.readouterr()
        try:
            return code, json.loads(said.out), said.err
        except ValueError:
            return code, said.out, said.err

    return call


@pytest.fixture
def history(settings: Settings) -> History:
    """The whole history, written."""
    return History.of(settings).write()

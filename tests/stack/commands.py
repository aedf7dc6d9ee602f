"""Runs the real launcher as a person does, in an environment without any CITYLOOP_ variable but those given."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from config.settings import ROOT

LAUNCHER = ROOT / "cityloop"


def bare_environment(**variables: object) -> dict[str, str]:
    """This process's environment without cityloop's variables, and with `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CITYLOOP_", "PYTHON"))}
    return kept | {name: str(value) for name, value in variables.items()}


def cityloop(*words: str, launcher: Path = LAUNCHER, cwd: Path | None = None, **variables: object) -> "subprocess.CompletedProcess[str]":
    """Runs `cityloop <words>` to its end."""
    command = [str(launcher), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=bare_environment(**variables), timeout=600)


def answer_of(done: "subprocess.CompletedProcess[str]") -> Any:
    """The JSON it printed; fails the test with what it said when it did not end well."""
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr or done.stdout}"
    return json.loads(done.stdout)

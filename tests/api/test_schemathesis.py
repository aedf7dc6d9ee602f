"""Every operation of `/openapi.json` asked at random by Schemathesis with all its checks, signed in: not one failure.

The feed is left out: it never ends (tests/console/test_feed.py asks it). A run prints its seed; `--seed N` repeats it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.vocabulary import Role
from tests.api.offices import SEEING, Offices, offices
from tests.api.town import B
from tests.servers import die_with_us

pytestmark = pytest.mark.stack

HERE = Path(__file__).parent
ENDLESS = "/api/v1/feed"


@pytest.fixture(scope="module")
def desks(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    with offices(redis_server, tmp_path_factory.mktemp("offices")) as made:
        yield made


def ask(desks: Offices, role: Role, folder: Path, *options: str) -> None:
    """Schemathesis asks as this role of district B; fails with all that it says of a failure."""
    ids = desks.ids[B]
    variables = {
        "CITYLOOP_TOKEN": desks.people[B][role].headers["Authorization"].removeprefix("Bearer "),
        "CITYLOOP_SHA256": ids["sha256"],
        "CITYLOOP_UNIT": ids["unit"],
        "CITYLOOP_COMMAND": ids["command_id"],
        "CITYLOOP_SILENCE": ids["silence_id"],
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": str(HERE),
        "NO_COLOR": "1",
    }
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program, "schemathesis is in requirements-dev.lock; `make setup` installs it"
    command = [program, "--config-file", str(HERE / "schemathesis.toml"), "run", f"{desks.console.address}/openapi.json"]
    command += ["--checks", "all", "--exclude-path", ENDLESS, "--continue-on-failure", "--request-timeout", "60", *options]
    done = subprocess.run(
        [*die_with_us(), *command],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_nothing_fails_whatever_is_asked(desks: Offices, tmp_path: Path) -> None:
    phases = "examples,coverage,fuzzing"
    ask(desks, Role.SHIFT_LEAD, tmp_path, "--phases", phases, "--max-examples", "10", "--seed", "20261121")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("role", SEEING)
def test_nothing_fails_whatever_any_role_asks(desks: Offices, tmp_path: Path, role: Role) -> None:
    ask(desks, role, tmp_path, "--max-examples", "50")

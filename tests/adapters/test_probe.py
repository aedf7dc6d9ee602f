"""What a process answers about itself."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.probe import Probe
from incidents.errors import UserError


class Hands:
    """A steady clock that the test moves."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def roles() -> dict[str, bool]:
    return {"intake": True, "clock": True}


@pytest.fixture
def probe(hands: Hands, roles: dict[str, bool]) -> Iterator[Probe]:
    probe = Probe("127.0.0.1", 0, lambda: roles, hands)
    probe.start()
    yield probe
    probe.stop()


def ask(probe: Probe, path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{probe.port}{path}", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_process_whose_roles_all_work_is_ready(probe: Probe) -> None:
    assert ask(probe, "/readyz") == (200, {"ready": True, "roles": {"intake": True, "clock": True}, "waiting_for": []})


def test_readiness_names_the_role_that_waits(probe: Probe, roles: dict[str, bool]) -> None:
    roles["clock"] = False
    status, body = ask(probe, "/readyz")
    assert (status, body["waiting_for"]) == (503, ["clock"])


def test_waiting_for_an_engine_is_not_ill(probe: Probe, roles: dict[str, bool]) -> None:
    roles["clock"] = False
    assert ask(probe, "/healthz")[0] == 200


def test_a_loop_that_is_silent_for_five_seconds_is_ill_and_not_ready(probe: Probe, hands: Hands) -> None:
    hands.at += 5.5
    assert [ask(probe, path)[0] for path in ("/healthz", "/readyz")] == [503, 503]
    probe.beat()
    assert [ask(probe, path)[0] for path in ("/healthz", "/readyz")] == [200, 200]


def test_an_unknown_path_is_told_which_there_are(probe: Probe) -> None:
    assert ask(probe, "/") == (404, {"error": "here are /metrics, /healthz and /readyz"})


def test_the_page_of_metrics_passes_promtool(probe: Probe) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{probe.port}/metrics", timeout=60) as answer:
        page = answer.read()
    assert b"cityloop_clock_held " in page
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_taken_port_is_one_clear_message(probe: Probe) -> None:
    with pytest.raises(UserError, match=rf"CITYLOOP_METRICS_PORT={probe.port}: cannot listen on 127.0.0.1:{probe.port}"):
        Probe("127.0.0.1", probe.port, dict).start()

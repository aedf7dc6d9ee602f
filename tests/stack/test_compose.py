"""docker-compose.yml and Dockerfile: valid, consistent, and every service starts and gets well, natively."""

import json
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from jsonschema import validate

from adapters.stack_jars import ensure_jars
from config.settings import ROOT, Settings
from tests.stack.compose import FILE, Native, native_ports, services
from tests.waiting import until

ENGINES = ("kafka", "redis", "topics", "secrets", "worker", "console")
FOR_EVER = [name for name in ENGINES if name not in ("topics", "secrets")]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, server_folder: Path) -> Native:
    return Native(tmp_path_factory.mktemp("compose"), ensure_jars(lambda _: None), native_ports())


@pytest.fixture(scope="module")
def running(native: Native) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Every service of the file but the demo's, started in the order of `depends_on`, each when those before it are well."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ENGINES:
            service = services()[name]
            for before, how in service.get("depends_on", {}).items():
                _wait_for(native, before, how["condition"], started)
            started[name] = native.start(name, service)
        yield started
    finally:
        for process in reversed(started.values()):
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            process.wait(60)


def _wait_for(native: Native, name: str, condition: str, started: dict[str, "subprocess.Popen[bytes]"]) -> None:
    if condition == "service_completed_successfully":
        assert started[name].wait(60) == 0, native.log(name).read_text()
        return
    service = services()[name]
    until(lambda: native.is_healthy(service) or started[name].poll() is not None, f"{name} to be healthy", 60)
    assert started[name].poll() is None, f"{name} ended: {native.log(name).read_text()[-2000:]}"


def test_the_file_is_valid_against_the_schema_of_the_compose_specification() -> None:
    schema = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    validate(yaml.safe_load(FILE.read_text("utf-8")), json.loads(Path(str(schema)).read_text("utf-8")))


@pytest.mark.parametrize("name", services())
def test_a_service_waits_only_for_services_that_can_be_waited_for(name: str) -> None:
    known = services()
    for before, how in known[name].get("depends_on", {}).items():
        assert how["condition"] != "service_healthy" or "healthcheck" in known[before]
        assert not set(known[before].get("profiles", [])) - set(known[name].get("profiles", []))


@pytest.mark.parametrize("name", services())
def test_a_service_sets_only_settings_that_exist(name: str) -> None:
    known = {f"CITYLOOP_{field.upper()}" for field in Settings.model_fields}
    assert {key for key in services()[name].get("environment", {}) if key.startswith("CITYLOOP_")} <= known


def test_the_image_is_built_from_files_that_are_there_by_a_user_who_is_not_root() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    copied = [source for words in lines if words[0] == "COPY" for source in words[1:-1]]
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied) and set(copied) == allowed
    assert [words[1] for words in lines if words[0] == "USER"] == ["cityloop"]


@pytest.mark.stack
@pytest.mark.parametrize("name", FOR_EVER)
def test_a_service_s_command_runs_natively_and_its_health_check_passes(
    name: str, running: dict[str, "subprocess.Popen[bytes]"], native: Native
) -> None:
    until(lambda: native.is_healthy(services()[name]), f"the health check of {name}: {native.log(name).read_text()[-1000:]}", 60)
    assert running[name].poll() is None


@pytest.mark.stack
def test_a_role_stops_in_order_when_its_container_is_stopped(running: dict[str, "subprocess.Popen[bytes]"], native: Native) -> None:
    for name in ("console", "worker"):
        running[name].send_signal(signal.SIGTERM)
        assert running[name].wait(60) in (0, -signal.SIGTERM, 143), native.log(name).read_text()[-2000:]
        assert not native.is_healthy(services()[name])

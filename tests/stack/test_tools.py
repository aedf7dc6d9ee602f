"""What the native stack needs from the machine, and the health of a process."""

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import stack_jars
from adapters.health import ask
from cli import main
from incidents.errors import UserError


def test_missing_programs_are_one_message_that_names_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(stack_jars, "COMPLETE", tmp_path / "complete")
    with pytest.raises(UserError, match=r"sudo apt-get install default-jre-headless maven redis-server"):
        stack_jars.ensure_tools(lambda _: None)


def test_an_old_java_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in {"java": 'openjdk version "11.0.2" 2019-01-15', "mvn": "", "redis-server": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{said}' >&2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match=r"install the packages default-jre-headless \("):
        stack_jars.ensure_tools(lambda _: None)


def test_jars_fetched_half_are_fetched_on_and_what_maven_says_is_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(stack_jars, "JARS", tmp_path / "jars")
    monkeypatch.setattr(stack_jars, "COMPLETE", tmp_path / "jars" / "complete")
    maven.write_text("#!/bin/sh\necho 'cannot transfer https://somewhere.example/kafka.jar: timeout'; exit 1\n")
    maven.chmod(0o755)
    with pytest.raises(UserError, match=r"(?s)what was fetched is kept.*cannot transfer the repository"):
        stack_jars.ensure_jars(lambda _: None)
    maven.write_text('#!/bin/sh\nfor word; do case "$word" in -DoutputDirectory=*) echo >> "${word#*=}/kafka.jar" ;; esac; done\n')
    for _ in range(2):
        assert (stack_jars.ensure_jars(lambda _: None) / "kafka.jar").read_text() == "\n"


class _Answers(http.server.BaseHTTPRequestHandler):
    """Well at /healthz, not at /readyz."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b"words")

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def process() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_health_is_what_the_process_answers(process: str) -> None:
    assert ask(f"{process}/healthz", 3.0).well
    refusal = ask(f"{process}/readyz", 3.0)
    assert (refusal.well, refusal.status, refusal.said) == (False, 503, "words")
    assert main.run(["health", "--url", f"{process}/healthz"]) == 0
    assert main.run(["health", "--url", f"{process}/healthz", "--url", f"{process}/readyz"]) == 1
    assert main.run(["health", "--url", "http://127.0.0.1:1/"]) == 1
    assert main.run(["health", "--url", "127.0.0.1"]) == 2

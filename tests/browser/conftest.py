"""A real Chromium (Debian's) before a real `cityloop console`; every page is held to: nothing from elsewhere, no error in its console."""

import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from adapters.stack_engines import free_port
from config.settings import ROOT, Settings
from tests.conftest import environment
from tests.servers import die_with_us
from tests.stack.commands import bare_environment
from tests.waiting import until

NewPage = Callable[..., Page]
"""`page(settings, "?lang=en", color_scheme="dark")`: the console's page, loaded and following its feed."""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """One Chromium per test: Playwright's loop must not be alive in other tests."""
    found = shutil.which("chromium")
    assert found, "no chromium on PATH; `make tools` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[[Settings], str]]:
    """Starts `cityloop console` with these settings and returns its address; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []
    log = tmp_path / "console.log"

    def start(settings: Settings) -> str:
        port = free_port()
        variables: dict[str, Any] = environment(settings) | {"CITYLOOP_HTTP_PORT": str(port)}
        command = [*die_with_us(), sys.executable, "-m", "cli", "console"]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=bare_environment(**variables), stdout=output, stderr=output)
        started.append(process)
        address = f"http://127.0.0.1:{port}/"
        until(lambda: process.poll() is not None or _answers(f"{address}healthz"), "the console to answer")
        assert process.poll() is None, log.read_text("utf-8")
        return address

    yield start
    for process in started:
        process.terminate()
        assert process.wait(5) == 0, log.read_text("utf-8")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture
def page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages; afterwards none may have asked another site or logged an error."""
    wrong: list[str] = []

    def open_page(address: str, query: str = "", **context: Any) -> Page:
        chosen = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
        new = browser.new_context(**(chosen | context)).new_page()
        new.on("request", lambda request: None if request.url.startswith(address) else wrong.append(f"asked {request.url}"))
        new.on("console", lambda message: wrong.append(f"console: {message.text}") if message.type in ("error", "warning") else None)
        new.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        new.goto(address + query)
        new.wait_for_selector("body[data-ready]", timeout=15_000)
        return new

    yield open_page
    assert not wrong, wrong

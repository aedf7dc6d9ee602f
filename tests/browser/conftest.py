"""A real Chromium (Debian's) before a real `cityloop console` or the stand-in; every page is held to: nothing from elsewhere, no error."""

import itertools
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from adapters.stack_engines import free_port
from config.settings import ROOT, Settings
from tests.browser.desk import Desk
from tests.browser.desk_server import desk_served
from tests.browser.opened import Opened
from tests.browser.standin import Standin
from tests.browser.standin_api import served
from tests.conftest import environment
from tests.servers import die_with_us
from tests.stack.commands import bare_environment
from tests.waiting import until

NewPage = Callable[..., Page]
"""`page(address, "?lang=en", color_scheme="dark", args=[…])`: a page of the console, loaded and ready."""
Serve = Callable[..., tuple[Standin, str]]
"""`standin(cases=60)`: a made-up city and its address."""

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESK = {"width": 1440, "height": 900}
SCREENS = ROOT / ".local" / "screens"

expect.set_options(timeout=60_000)  # a bound for what never comes, not a measure: machines may be busy


@pytest.fixture(scope="module")
def browsers() -> Iterator[Callable[..., Browser]]:
    """Chromium by its arguments, one of a kind per module: Playwright's loop must not be alive in tests of other modules."""
    found = shutil.which("chromium")
    assert found, "no chromium on PATH; `make tools` installs it"
    started: dict[tuple[str, ...], Browser] = {}
    with sync_playwright() as playwright:

        def browser(*args: str) -> Browser:
            if args not in started:
                started[args] = playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=list(args))
            return started[args]

        yield browser
        for each in started.values():
            each.close()


@pytest.fixture
def browser(browsers: Callable[..., Browser]) -> Browser:
    """Chromium as it comes."""
    return browsers()


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
        assert process.wait(60) == 0, log.read_text("utf-8")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture
def standin() -> Iterator[Serve]:
    """Starts stand-ins, ended with the test."""
    with ExitStack() as running:

        def serve(cases: int = 60) -> tuple[Standin, str]:
            world = Standin(cases)
            return world, running.enter_context(served(world))

        yield serve


@pytest.fixture
def picture_all(request: pytest.FixtureRequest) -> Callable[[BrowserContext], None]:
    """Keeps a picture of every tab as the test leaves it, below SCREENS by module and test: for people who look at what we show."""
    folder = SCREENS / request.path.stem.removeprefix("test_")
    name = re.sub(r"[^\w.-]+", "-", request.node.name.removeprefix("test_")).strip("-")
    count = itertools.count(1)

    def keep(context: BrowserContext) -> None:
        for tab in context.pages:
            at = next(count)
            tab.screenshot(path=folder / f"{name}{'' if at == 1 else f'-{at}'}.png", timeout=60_000)

    return keep


@pytest.fixture
def page(browsers: Callable[..., Browser], picture_all: Callable[[BrowserContext], None]) -> Iterator[NewPage]:
    """Opens pages; afterwards none may have asked another site or logged an error. `expected` names what may be logged."""
    wrong: list[str] = []
    opened: list[Any] = []

    def open_page(address: str, query: str = "", args: tuple[str, ...] = (), expected: tuple[str, ...] = (), **context: Any) -> Page:
        chosen = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": DESK, "reduced_motion": "reduce"}
        opened.append(browsers(*args).new_context(**(chosen | context)))
        new: Page = opened[-1].new_page()
        new.on("request", lambda request: None if _is_ours(request.url, address) else wrong.append(f"asked {request.url}"))
        new.on("console", lambda message: wrong.append(f"console: {message.text}") if _is_bad(message, expected) else None)
        new.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        new.goto(address + query)
        new.wait_for_selector("body[data-ready]")
        return new

    yield open_page
    for context in opened:
        picture_all(context)
        context.close()
    assert not wrong, wrong


@pytest.fixture
def opened(browsers: Callable[..., Browser], picture_all: Callable[[BrowserContext], None]) -> Iterator[Callable[..., Opened]]:
    """`opened(desk, "/case/…", script="…", **context)`: a page over a desk, ready; afterwards nothing may have gone wrong in any tab."""
    wrong: list[str] = []
    with ExitStack() as things:

        def open_one(desk: Desk, path: str, script: str = "", **chosen: Any) -> Opened:
            address = things.enter_context(desk_served(desk))
            usual = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": DESK, "reduced_motion": "reduce"}
            context = things.enter_context(browsers().new_context(**(usual | chosen)))
            things.callback(picture_all, context)
            context.add_init_script(script)
            place = Opened(context.new_page(), context, address, wrong)
            place.begin(path)
            return place

        yield open_one
    assert not wrong, wrong


def _is_ours(url: str, address: str) -> bool:
    return url.startswith((address, "data:", f"blob:{address}"))


def _is_bad(message: ConsoleMessage, expected: tuple[str, ...]) -> bool:
    """Errors and warnings, but not what the software GL says of its own speed."""
    said = message.type in ("error", "warning") and "GL Driver Message" not in message.text
    return said and not any(each in message.text for each in expected)


def complaints(page: Page) -> list[str]:
    """What axe has against the page as it stands: rule, and the first node."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        f"axe.run({{runOnly: {RULES}}}).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 160))[0]]))"
    )
    return [f"{rule}: {node}" for rule, node in found]

"""`cityloop demo`: a city's day in minutes, from reports on real Kafka to verified closures, with a page, a story and an exact audit."""

import asyncio
import contextlib
import fcntl
import logging
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.live import Live

from adapters import stack
from adapters.health import ask
from adapters.log import configure_logging
from adapters.stack_engines import free_port, free_ports, is_free
from cli.accounts import DemoAccount, demo_accounts
from cli.demo_players import Fallen, Players
from cli.demo_receiver import with_receiver
from cli.demo_story import Story
from cli.demo_view import View
from cli.hooks_receiver import HOST
from cli.output import console, say
from config.load import load_city
from config.settings import Settings, load_settings
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.steps.routing import unit_for

SPEED = 600
BEGINS = "08:00"
STORY_S = 70.0
"""Without a terminal; with the set-up of a fresh machine the whole stays under four minutes."""
READY_WITHIN_S = 50.0
AUDIT_WITHIN_S = 90.0
SAY_EVERY_S = 5.0
LOOK_EVERY_S = 0.25
MOST_DEMOS = 9
LEFT_TO_YOU = "0.05"
"""Share of cases whose filing, dispatch, check and closing wait two minutes for whoever is signed in."""
WITH_PICTURE = "0.7"
SUMMARY_WIDTH = 120

StorySeconds = Annotated[
    float | None, typer.Option("--story", min=1, help="End after so many seconds. Default: Ctrl-C on a terminal, 70 s elsewhere.")
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same city.")]
Cameras = Annotated[int, typer.Option(min=10, help="Cameras in the city.")]
Rate = Annotated[float, typer.Option(min=1, help="Reports a second.")]


@dataclass(frozen=True)
class Wish:
    """How the demo should be."""

    story_s: float | None
    seed: int
    cameras: int
    rate: float


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(story: StorySeconds = None, seed: Seed = 1, cameras: Cameras = 1500, rate: Rate = 60.0) -> None:
    """Watch a simulated city: its cameras and residents report, cases are opened, routed, handled, checked and closed.

    Starts a Kafka and a Redis of its own with fresh data, the worker, the page, the city's people and its cameras, and a receiver that
    shows who is told what; prints the pages' addresses and tells the story, 600 times faster than life. At the end it stops reporting,
    lets the pipeline finish, accounts for every report, and removes all it started. Exit code 0 when the audit is exact, 1 otherwise.

    Example: `cityloop demo --story 60`
    """
    chosen = load_settings()
    city = load_city(chosen)
    _keep_quiet(chosen)
    is_terminal = sys.stdout.isatty()
    wish = Wish(story if story is not None or is_terminal else STORY_S, seed, cameras, rate)
    with _own_folder(chosen.local_dir) as folder:
        settings = _settings(chosen, city, folder)
        with _running_stack(settings) as addresses:
            settings = settings.model_copy(update=addresses)
            say("making accounts …")
            fine = _tell(settings, city, wish, demo_accounts(settings, _office(city)))
    if not fine:
        raise typer.Exit(1)


def _keep_quiet(settings: Settings) -> None:
    """The board and the lines say how it goes; a client's word on every retry would tear them."""
    configure_logging(settings.model_copy(update={"log_level": "ERROR"}), "demo")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@contextmanager
def _own_folder(local_dir: Path) -> Iterator[Path]:
    """A folder that no other demo uses, empty; gone afterwards, unless the demo failed: then its logs stay until the next one."""
    local_dir.mkdir(parents=True, exist_ok=True)
    folder, lock = _free_folder(local_dir)
    with lock:
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
        Path(lock.name).unlink()


def _free_folder(local_dir: Path) -> tuple[Path, TextIO]:
    """A folder whose lock nobody holds, and that lock, held until it is closed. Raises UserError when too many demos run."""
    for number in range(1, MOST_DEMOS + 1):
        folder = local_dir / (f"demo-{number}" if number > 1 else "demo")
        lock = (local_dir / f"{folder.name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return folder, lock
        except BlockingIOError:
            lock.close()
    raise UserError(f"{MOST_DEMOS} demos are running in {local_dir}; end one of them first")


def _settings(chosen: Settings, city: City, folder: Path) -> Settings:
    """Everything of its own: data, namespace, ports and clock."""
    today = datetime.now(ZoneInfo(city.time_zone))
    begins = today.replace(hour=int(BEGINS[:2]), minute=0, second=0, microsecond=0)
    while city.calendar and not city.calendar.is_workday(begins.date()):  # on a day off ordinary limits would stand still
        begins -= timedelta(days=1)
    page = chosen.http_port if "http_port" in chosen.model_fields_set else _page_port(chosen.http_port)
    return chosen.model_copy(
        update={
            "local_dir": folder,
            "namespace": f"demo{int(time.time())}.",
            "clock": f"x{SPEED}@{begins.isoformat(timespec='minutes')}",
            "http_port": page,
            "metrics_port": 0,
        }
    )


def _page_port(usual: int) -> int:
    return usual if usual and is_free(usual) else free_port()


@contextmanager
def _running_stack(settings: Settings) -> Iterator[dict[str, str]]:
    """Kafka and Redis with nothing in them; what a killed demo left behind is ended first."""
    if (settings.local_dir / "stack").exists():
        stack.down(settings)
        shutil.rmtree(settings.local_dir, ignore_errors=True)
    say("the demo uses a Kafka and a Redis of its own, with fresh data; other stacks are left alone")
    status = stack.up(settings, None, say)
    try:
        yield status.addresses
    finally:
        try:
            say("stopping Kafka and Redis …")
        finally:  # also when nobody reads what is said any more
            stack.down(settings)


def _office(city: City) -> str:
    """The office of the account for units: the one that leads most categories in the city's first district."""
    leads = Counter(category.lead for category in city.categories)
    found = (unit_for(city.units, lead, city.districts[0].code) for lead, _ in leads.most_common())
    return next(unit.key for unit in found if unit is not None)


def _tell(settings: Settings, city: City, wish: Wish, accounts: list[DemoAccount]) -> bool:
    """The whole story; whether the audit was exact. False, with the end of its log, when a child fell."""
    settings, receiver = with_receiver(settings)
    players = Players(settings, settings.local_dir / "logs")
    try:
        return asyncio.run(_Director(settings, city, wish, players, accounts, receiver).direct(sys.stdout.isatty()))
    except Fallen as error:
        print(f"cityloop: the demo ends: {error}", file=sys.stderr)
        return False
    finally:
        players.end_all()


class _Director:
    """Brings the players on, lets the story run, and closes the books."""

    def __init__(  # noqa: PLR0913  # all that a story is made of
        self, settings: Settings, city: City, wish: Wish, players: Players, accounts: list[DemoAccount], receiver: int
    ) -> None:
        self._settings = settings
        self._wish = wish
        self._players = players
        self._page = f"http://{settings.http_host}:{settings.http_port}/"
        self._story = Story(settings, city.levels[0])
        self._receiver = receiver
        self._view = View(city, self._story, self._page, f"http://{HOST}:{receiver}/", accounts)
        self._probes = free_ports(4)  # three of the worker, one of the hooks
        self._stop = asyncio.Event()

    async def direct(self, is_terminal: bool) -> bool:
        """Whether the audit was exact. Raises Fallen when a child ended by itself."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._asked_to_stop)
        await self._bring_on()
        following = asyncio.create_task(self._story.run())
        try:
            self._let_report()
            await (self._on_a_terminal() if is_terminal else self._in_lines())
            audit = await self._close_the_books()
            console(is_terminal).print(self._view.summary(audit), width=None if is_terminal else SUMMARY_WIDTH)
            return bool(audit["exact"])
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following

    def _asked_to_stop(self) -> None:
        """The first time: end in order. The second time: at once."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._stop.set()

    async def _bring_on(self) -> None:
        say("starting the worker, the page and the city's people …")
        self._players.start("worker", ["worker"], {"CITYLOOP_METRICS_PORT": str(self._probes[0])})
        self._players.start("console", ["console"])
        self._players.start("receiver", ["hooks", "receiver", "--port", str(self._receiver)])
        self._players.start("hooks", ["hooks", "run"], {"CITYLOOP_METRICS_PORT": str(self._probes[-1])})
        self._players.start("units", ["units", "--seed", str(self._wish.seed), "--pictures", "--leave", LEFT_TO_YOU])
        host = self._settings.metrics_host
        await self._wait_for(f"{self._page}readyz", *(f"http://{host}:{port}/readyz" for port in self._probes))
        say(f"the page: {self._page}")
        say(f"who is told: http://{HOST}:{self._receiver}/")
        for line in self._view.accounts():
            say(line)

    def _let_report(self) -> None:
        shares = ["--false-alarms", "0.06", "--bad", "0.01", "--resent", "0.01", "--late", "0.02"]
        wish = ["--cameras", str(self._wish.cameras), "--rate", f"{self._wish.rate:g}", "--seed", str(self._wish.seed)]
        self._players.start("simulate", ["simulate", "--flat", *wish, *shares, "--pictures", WITH_PICTURE])

    async def _wait_for(self, *addresses: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        for address in addresses:
            while not (answer := await asyncio.to_thread(ask, address, 2.0)).well:
                self._players.check()
                if self._stop.is_set():
                    return
                if time.monotonic() > deadline:
                    raise Fallen(f"not ready after {READY_WITHIN_S:g} s: {address} says {answer.said}")
                await asyncio.sleep(LOOK_EVERY_S)

    async def _on_a_terminal(self) -> None:
        with Live(get_renderable=self._view.board, refresh_per_second=4, console=console(True)):
            await self._let_it_run(lambda _: None)

    async def _in_lines(self) -> None:
        await self._let_it_run(lambda seconds: say(self._view.line(seconds)))

    async def _let_it_run(self, each: Callable[[float], None]) -> None:
        """Until the wished time is over or somebody ends it. Raises Fallen."""
        began = said = time.monotonic()
        while not self._stop.is_set():
            self._players.check()
            now = time.monotonic()
            if self._wish.story_s is not None and now - began >= self._wish.story_s:
                return
            if now - said >= SAY_EVERY_S:
                each(now - began)
                said = now
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)

    async def _close_the_books(self) -> dict[str, Any]:
        """No more reports, no more acts; then what the pipeline has made of them."""
        say("no more reports; letting the pipeline finish, then the audit …")
        for name in ("simulate", "units"):
            await asyncio.to_thread(self._players.end, name)
        done = await asyncio.to_thread(self._players.ask, ["audit", "--json"], AUDIT_WITHIN_S)
        self._players.check()
        if not done.stdout:
            raise Fallen(f"the audit ended with exit code {done.returncode}:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = orjson.loads(done.stdout)
        return found

"""`cityloop hooks run`: the process that decides who is told what, and delivers it."""

import signal

import typer

from adapters.children import run_children
from adapters.clock import parse_clock
from adapters.log import configure_logging
from config.load import load_city
from config.load_hooks import load_hooks
from config.settings import load_settings
from handlers.receivers import kinds
from streams.topology import Process, names_of


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("run")(run)


def run() -> None:
    """Tell people, in the foreground, until Ctrl-C or SIGTERM: decide by the city's hooks.toml who is told what, and deliver it.

    It may run several times: one decides, all deliver, and when one dies another takes over. /metrics, /healthz and /readyz are on
    CITYLOOP_METRICS_PORT. A process that dies is started again. When hooks.toml, duty.toml or its tables change, or hooks.toml is new, they
    are checked and taken while it runs, or refused with a word in the log; SIGHUP has them read at once, and secrets with them.

    Example: `CITYLOOP_METRICS_PORT=9120 cityloop hooks run`
    """
    settings = load_settings()
    parse_clock(settings.clock)
    load_hooks(settings, load_city(settings), kinds())  # a mistake is said once
    configure_logging(settings, "hooks")
    words = ["worker", "--only", ",".join(names_of(Process.HOOKS)), "--metrics-port", str(settings.metrics_port)]
    raise typer.Exit(run_children([words], [signal.SIGHUP]))

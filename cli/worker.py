"""`cityloop worker`: runs the stages of the path."""

from typing import Annotated

import typer

from adapters.children import run_children
from adapters.clock import parse_clock
from adapters.log import configure_logging
from config.load import load_city
from config.settings import LAST_PORT, Settings, load_settings
from incidents.errors import UserError
from streams.topology import ROLES, WORKER, names_of, roles

Only = Annotated[
    str | None, typer.Option("--only", metavar="ROLE,…", help=f"Run only these roles, in this one process: {', '.join(ROLES)}.")
]
Parent = Annotated[int | None, typer.Option("--parent", hidden=True, help="End when this process is no longer the parent.")]
Port = Annotated[int | None, typer.Option("--metrics-port", min=0, max=LAST_PORT, hidden=True, help="Instead of CITYLOOP_METRICS_PORT.")]


def register(app: typer.Typer) -> None:
    """Adds the command `worker`."""
    app.command("worker")(worker)


def worker(only: Only = None, parent: Parent = None, metrics_port: Port = None) -> None:
    """Run the stages between a report and its closure, in the foreground, until Ctrl-C or SIGTERM.

    Without `--only` three processes run, so that people never wait behind the flood of reports, nor cases behind those who read of them:
    intake; closure, routing and clock; projection, evaluation and positions. Where processors are short they give way to Kafka and Redis
    (nice 6), the last one to the others too (nice 8). A process that dies is started again. /metrics, /healthz and /readyz are on
    CITYLOOP_METRICS_PORT and the two ports above it.

    Example: `cityloop worker --only intake` on one machine, on another `cityloop worker --only closure,routing,clock,projection,evaluation`
    """
    settings = load_settings()
    if metrics_port is not None:
        settings = settings.model_copy(update={"metrics_port": metrics_port})
    _check(settings)
    if only is None:
        configure_logging(settings, "worker")
        raise typer.Exit(run_children(commands(settings)))
    from streams.worker import run_worker  # the parent, which only watches, is 90 MB less without it

    stages = roles([name.strip() for name in only.split(",") if name.strip()])
    raise typer.Exit(run_worker(settings, stages, parent))


def commands(settings: Settings) -> list[list[str]]:
    """The argument list of each process; each takes the port above the one's before it. Raises UserError where there is none."""
    first, above = settings.metrics_port, len(WORKER) - 1
    if first + above > LAST_PORT:
        raise UserError(
            f"CITYLOOP_METRICS_PORT={first}: the worker takes the {above} ports above it too; give one up to {LAST_PORT - above}"
        )
    ports = [first + at if first else 0 for at in range(len(WORKER))]
    return [["worker", "--only", ",".join(names_of(each)), "--metrics-port", str(port)] for each, port in zip(WORKER, ports, strict=True)]


def _check(settings: Settings) -> None:
    """Whatever a person must put right is said once, before any process starts."""
    parse_clock(settings.clock)
    load_city(settings)

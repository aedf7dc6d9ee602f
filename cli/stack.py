"""`cityloop up|down|status`: the local stack, Kafka and Redis, for a demo, for trying things out and for development."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import RenderableType

from adapters import stack
from adapters.stack_state import Mode, StackStatus
from cli.output import AsJson, out, say, table
from config.settings import ADDRESSES, Settings, load_settings
from incidents.errors import UserError


def register(app: typer.Typer) -> None:
    """Adds `up`, `down` and `status`."""
    for command in (up, down, status):
        app.command()(command)


def up(
    docker: Annotated[bool, typer.Option("--docker", help="Run containers (docker-compose.yml).")] = False,
    native: Annotated[bool, typer.Option("--native", help="Run plain processes: Java 17, Maven and redis-server.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start Kafka and Redis on free ports, create the topics, and print the addresses; if it is up already, only print them.

    Data and logs are kept below CITYLOOP_LOCAL_DIR (.local/). Without an option, Docker is used where an engine answers.

    Example: `cityloop up && cityloop worker`
    """
    if docker and native:
        raise UserError("--docker and --native exclude each other; leave both away to let cityloop choose")
    settings = load_settings()
    mode = Mode.DOCKER if docker else Mode.NATIVE if native else None
    answer = stack.up(settings, mode, say)
    if mode is not None and answer.mode is not mode:
        raise UserError(f"the stack runs already, {answer.mode}; `cityloop down` first, then `cityloop up --{mode}`")
    _warn_of_other_addresses(settings, answer)
    out(answer, as_json, _summary)


def down(as_json: AsJson = False) -> None:
    """Stop what `cityloop up` started, and nothing else; the data is kept for the next `up`.

    Example: `cityloop down`
    """
    stopped = stack.down(load_settings())
    out({"stopped": stopped}, as_json, lambda _: "stopped" if stopped else "nothing was running")


def status(as_json: AsJson = False) -> None:
    """Show each process of the local stack with pid, uptime, address and log; exit code 1 when not all of them run.

    Example: `cityloop status --json`
    """
    answer = stack.status(load_settings())
    out(answer, as_json, _processes)
    if not answer.up:
        raise typer.Exit(1)


def _summary(answer: StackStatus) -> RenderableType:
    lines = [f"{'already up' if answer.already else 'up'} ({answer.mode})"]
    lines += [f"  CITYLOOP_{name.upper()}={address}" for name, address in answer.addresses.items()]
    return "\n".join([*lines, "every cityloop command in this folder finds them by itself; `cityloop down` stops them"])


def _processes(answer: StackStatus) -> RenderableType:
    uptimes = ["–" if each.uptime_s is None else timedelta(seconds=each.uptime_s) for each in answer.processes]
    rows = [
        (each.name, each.state.lower(), each.pid, uptime, each.address, each.log)
        for each, uptime in zip(answer.processes, uptimes, strict=True)
    ]
    return table(("process", "state", "pid", "uptime", "address", "log"), rows)


def _warn_of_other_addresses(settings: Settings, answer: StackStatus) -> None:
    for name in ADDRESSES:
        chosen = getattr(settings, name)
        if name in settings.model_fields_set and chosen != answer.addresses[name]:
            say(f"note: CITYLOOP_{name.upper()}={chosen} in the environment wins over this stack")

"""`cityloop health`: exit code 0 when every asked process is well; the health check of the containers."""

from typing import Annotated

import typer

from adapters.health import Health, ask
from cli.output import AsJson, out
from config.settings import load_settings

Urls = Annotated[list[str] | None, typer.Option("--url", help="An address to ask; may be given again. Default: the console's /healthz.")]
Within = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for each answer.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("health")(health)


def health(url: Urls = None, timeout_s: Within = 3.0, as_json: AsJson = False) -> None:
    """Ask a process whether it is well: its /healthz (it turns) or /readyz (it has all it needs); exit code 1 when one is not.

    Example: `cityloop health --url http://127.0.0.1:9100/readyz`
    """
    answers = [ask(each, timeout_s) for each in url or [_console()]]
    out(answers, as_json, _lines)
    if not all(answer.well for answer in answers):
        raise typer.Exit(1)


def _console() -> str:
    settings = load_settings()
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::") else settings.http_host  # where it listens is not where to ask
    return f"http://{host}:{settings.http_port}/healthz"


def _lines(answers: list[Health]) -> str:
    return "\n".join(f"{'well' if each.well else 'not well'}  {each.url}  {each.status or ''}  {each.said.strip()}" for each in answers)

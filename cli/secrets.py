"""`cityloop secrets`: make the keys that sealing, sessions and the journal rest on."""

from pathlib import Path
from typing import Annotated

import typer

from adapters.secrets import PUBLIC, init_secrets, read_secrets
from cli.output import AsJson, out

HELP = "The city's secrets: keys for sealing, sessions and the journal (docs/people.md)."


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True)
    group.command("init")(init)
    app.add_typer(group, name="secrets")


def init(folder: Annotated[Path, typer.Argument(help="A folder that is yet to be made.")], as_json: AsJson = False) -> None:
    """Make the city's secrets in a new folder that only this user can read; what stands there already is checked and kept.

    Every role of the city needs the same secrets: copy the folder to each machine, and one copy to a safe place. Keep a copy of
    journal.pub with the auditor: with it the journal can be proved without trusting this machine.

    Example: `cityloop secrets init /etc/cityloop/secrets`
    """
    made = init_secrets(folder)
    read_secrets(folder)
    answer = {"folder": str(folder), "made": made, "public_key": str(folder / PUBLIC)}
    out(answer, as_json, lambda _: f"{'made' if made else 'kept'} {folder}; now set CITYLOOP_SECRETS_DIR={folder} for every role")

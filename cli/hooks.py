"""`cityloop hooks`: who is told what; the process that tells, what is on its way, and what people do about it.

The commands stand in the modules beside this one whose names begin with `hooks_`: each offers `add_to(group: typer.Typer) -> None`.
"""

import importlib
import pkgutil

import typer

import cli

HELP = """Notices to receivers: see what is on its way, send it again, silence, test and rehearse (docs/hooks.md)."""
HOLDS = dict.fromkeys(("list", "show", "replay", "targets", "enable"), "queue")  # commands whose module has another name


def register(app: typer.Typer, command: str | None = None) -> None:
    """Adds the group `hooks` with every command of the modules `hooks_*`, or only of the one that has this command, if it is known."""
    group = typer.Typer(help=HELP, no_args_is_help=True)
    names = sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if module.name.startswith("hooks_"))
    wanted = f"hooks_{HOLDS.get(command or '', command)}"
    for name in [wanted] if wanted in names else names:
        importlib.import_module(f"cli.{name}").add_to(group)
    app.add_typer(group, name="hooks")

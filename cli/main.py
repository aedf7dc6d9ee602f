"""Builds the command line from the modules of this package and turns every ending into an exit code.

A module `cli/<group>.py` offers `register(app: typer.Typer) -> None`, which adds its commands; it is found by being there.
"""

import importlib
import os
import pkgutil
import sys
import tomllib
from collections.abc import Sequence
from typing import Annotated

import typer

import cli
from config.settings import ROOT
from incidents.errors import NotReady, TryAgain, UserError

FAILED = 1
MISUSE = 2
INTERRUPTED = 130
FRAME = ("__main__", "case_deadline", "evaluated", "main", "output", "stat_info", "words")  # modules of this package without commands
SPLIT = frozenset({"hooks"})  # groups of several modules: they hear the second word too
HOLDS = {"up": "stack", "down": "stack", "status": "stack"}  # commands whose module has another name; only saves loading the rest

HELP = """From a sighting to a verified closure: the pipeline behind a city's operations centre.

Settings come from the environment, prefix CITYLOOP_ (docs/settings.md). Data goes to stdout, progress to stderr.
Exit codes: 0 all is well, 1 the answer is "no", 2 something must be put right first.

Example: `cityloop up`, then `cityloop worker` and `cityloop console` in two other shells; `cityloop down` ends it.
"""


def build(first_word: str | None = None, second_word: str | None = None) -> typer.Typer:
    """The command line: all of it, or only the module of its first words, where they say which: a role need not load the others."""
    app = typer.Typer(
        name="cityloop",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=HELP)(_start)
    names = sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if module.name != "__main__")
    wanted = HOLDS.get(first_word or "", (first_word or "").replace("-", "_"))
    for name in [wanted] if wanted in names else names:
        register = getattr(importlib.import_module(f"cli.{name}"), "register", None)
        if register:
            register(app, *([second_word] if name in SPLIT else []))
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process: one message and 2 for a person's mistake, 130 after Ctrl-C, a traceback only for a bug."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        answer = build(*words[:2])(args=words, prog_name="cityloop", standalone_mode=True)
        return int(answer or 0)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else FAILED if ending.code else 0
    except UserError as error:
        print(f"cityloop: {error}", file=sys.stderr)
    except (TryAgain, NotReady) as error:
        print(f"cityloop: an engine is away: {error}; look at `cityloop status` and try again", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `cityloop case list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return MISUSE


def version() -> str:
    """The version that pyproject.toml names."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"cityloop {version()}")
        raise typer.Exit


def _start(
    version_wanted: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The options before the command; there is nothing to do for them."""

"""What every command says, and where: data on stdout (`--json` for programs), progress and errors on stderr.

Exit codes: 0 all is well, 1 the answer is "no" (`raise typer.Exit(1)`), 2 a person must act (UserError, or a wrong argument).
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import typer
from pydantic_core import to_json
from rich.console import Console, RenderableType
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on stdout, for programs.")]
WIDTH_OF_A_PIPE = 200  # rich would cut lines at 80 where there is no terminal

T = TypeVar("T")


def out(value: T, as_json: bool, render: Callable[[T], RenderableType]) -> None:
    """Prints a command's answer: as JSON (models, dataclasses, dicts, lists, datetimes), or what `render` makes of it for people."""
    if as_json:
        sys.stdout.write(to_json(value, indent=2).decode() + "\n")
        sys.stdout.flush()
    else:
        answer = render(value)
        console(sys.stdout.isatty()).print(answer, soft_wrap=isinstance(answer, str))


def console(is_terminal: bool, *, stderr: bool = False) -> Console:
    """A rich console; lines of a pipe are long enough for tables."""
    return Console(stderr=stderr, width=None if is_terminal else WIDTH_OF_A_PIPE, highlight=False, markup=False)


def say(message: str) -> None:
    """A line of progress on stderr."""
    print(message, file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table for people; None is shown as a dash."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*("–" if cell is None else str(cell) for cell in row))
    return made

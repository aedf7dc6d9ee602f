"""The launcher and the frame of the command line: exit codes, help, errors, from any folder."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from cli import main
from incidents.errors import TryAgain, UserError
from tests.stack.commands import LAUNCHER, cityloop


def test_before_set_up_the_launcher_says_which_command_to_run(tmp_path: Path) -> None:
    shutil.copy(LAUNCHER, tmp_path / "cityloop")
    done = cityloop("status", launcher=tmp_path / "cityloop")
    assert done.returncode == 2 and done.stderr.strip() == f"cityloop: not set up yet; run: make -C '{tmp_path}' setup"


def test_the_launcher_works_through_a_symlink_from_a_folder_with_foreign_packages(tmp_path: Path) -> None:
    for name in ("config", "cli", "incidents"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the foreign package won')")
    (tmp_path / "link").symlink_to(LAUNCHER)
    done = cityloop("--version", launcher=tmp_path / "link", cwd=tmp_path, PYTHONPATH=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, f"cityloop {main.version()}")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        ([], 2),
        (["no-such-command"], 2),
        (["topics", "check", "--no-such-option"], 2),
        (["topics", "--help"], 0),
    ],
)
def test_exit_codes(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(words) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err and (said.out or said.err)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("unknown city 'x'; see config/cities/"), 2, "cityloop: unknown city 'x'; see config/cities/\n"),
        (TryAgain("Redis"), 2, "cityloop: an engine is away: Redis; look at `cityloop status` and try again\n"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Exit(1), 1, ""),
    ],
)
def test_each_ending_has_its_exit_code_and_one_message(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(fail)
    monkeypatch.setattr(main, "build", lambda *_: app)
    assert main.run([]) == code
    assert capsys.readouterr().err == message


def test_a_bug_is_a_traceback_not_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(fail)
    monkeypatch.setattr(main, "build", lambda *_: app)
    with pytest.raises(ZeroDivisionError):
        main.run([])


def test_wrong_settings_name_the_variable_the_value_and_what_is_right() -> None:
    done = cityloop("topics", "check", CITYLOOP_HTTP_PORT="99999")
    assert done.returncode == 2 and "CITYLOOP_HTTP_PORT='99999'" in done.stderr and "Traceback" not in done.stderr


def test_the_reader_of_a_pipe_may_leave() -> None:
    done = subprocess.run(["bash", "-c", f"set -o pipefail; '{LAUNCHER}' --help | true"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def every_command() -> Iterator[tuple[str, Any]]:
    """Each command with its whole name."""
    waiting = [("cityloop", get_command(main.build()))]
    while waiting:
        name, command = waiting.pop()
        children = getattr(command, "commands", {})
        waiting += [(f"{name} {child}", each) for child, each in children.items()]
        if not children:
            yield name, command


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_help_of_every_command_teaches_by_an_example(name: str, command: Any) -> None:
    assert "Example" in (command.help or ""), f"the docstring of `{name}` lacks a line `Example: …`"
    assert name in (command.help or ""), f"the example of `{name}` does not show the command"

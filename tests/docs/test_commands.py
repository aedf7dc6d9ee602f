"""Every command that the documentation shows is there, with the options it shows, and every figure it names is measured."""

import re
import shlex
from typing import Any

import pytest
import typer

from adapters import metrics
from cli.main import build
from config.settings import ROOT, Settings
from tests.docs import pages
from tests.docs.pages import Block

SHELL = pages.blocks("sh")
HIDDEN_BUT_SHOWN = {"CITYLOOP_PUBLISHED_HTTP"}


def _lines(block: Block) -> list[list[str]]:
    """The words of each line, without comments and without settings in front."""
    lines = (shlex.split(line, comments=True) for line in block.text.splitlines())
    return [words[next((at for at, word in enumerate(words) if "=" not in word), len(words)) :] for words in lines if words]


@pytest.fixture(scope="module")
def line() -> Any:
    return typer.main.get_command(build())


@pytest.mark.parametrize("block", SHELL, ids=lambda block: f"{block.page}:{block.text.splitlines()[0][:40]}")
def test_a_command_that_is_shown_exists_with_its_options(line: Any, block: Block) -> None:
    for words in _lines(block):
        if words[0] == "./cityloop":
            _exists(line, words[1:])
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), words
        else:
            assert words[0] in (".venv/bin/python", ".venv/bin/pytest"), words


def _exists(command: Any, words: list[str]) -> None:
    while hasattr(command, "commands"):
        assert words and words[0] in command.commands, f"no command {' '.join(words)}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known, words


@pytest.mark.parametrize("name", pages.names())
def test_a_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"\bCITYLOOP_[A-Z0-9_]+", pages.read(name)))
    assert named <= {f"CITYLOOP_{field.upper()}" for field in Settings.model_fields} | HIDDEN_BUT_SHOWN


@pytest.mark.parametrize("name", pages.names())
def test_a_metric_that_is_named_is_measured(name: str) -> None:
    measured = {family.name for family in metrics.REGISTRY.collect()}
    named = set(re.findall(r"`(cityloop_[a-z_]+)`", pages.read(name)))
    assert {each.removesuffix("_total") for each in named} <= measured


@pytest.mark.parametrize("name", pages.names())
def test_a_file_of_the_project_that_is_named_exists(name: str) -> None:
    roots = "adapters|cli|config|console|deploy|handlers|incidents|producers|streams|tests"
    for path in re.findall(rf"`((?:{roots})/[\w/.-]*)`", pages.read(name)):
        assert (ROOT / path).exists(), f"{name} names {path}"

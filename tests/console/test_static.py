"""The static side of the pages: words for everything in two languages, nothing from elsewhere, nothing inline, few bytes."""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from console.shells import PAGES, RECEIVER, STATIC, Page, shell
from incidents.catalogue import ClockKind
from incidents.vocabulary import Channel, CommandType, FactType, Role, Severity, State

MOST_SCRIPT = 900_000
MOST_BEFORE_MAP = 60_000
LANGUAGES = ("zh", "en")
SHELLS = [*PAGES.values(), RECEIVER]
FIGURES = ("reported", "opened", "merged", "held", "resent", "rejected", "pending", "lost")
KINDS = {
    "state": State,
    "fact": FactType,
    "role": Role,
    "severity": Severity,
    "channel": Channel,
    "clock": ClockKind,
    "figure": FIGURES,
    "command": [each for each in CommandType if each not in ("sight", "expire", "overdue", "forget")],
}
"""Closed sets whose members the server sends: the pages have a word for each."""


@cache
def words(language: str) -> dict[str, str]:
    """The words of a language."""
    found: dict[str, str] = json.loads((STATIC / "labels" / f"{language}.json").read_bytes())
    return found


def ours(suffix: str) -> list[Path]:
    """Our static files of a kind, without what others wrote."""
    return sorted(path for path in STATIC.rglob(f"*{suffix}") if "vendor" not in path.parts)


def imported(path: Path, seen: set[Path] | None = None) -> set[Path]:
    """A module and all that it imports before it runs; the map's engine is imported later, by need."""
    found = seen if seen is not None else set()
    if path in found:
        return found
    found.add(path)
    for name in re.findall(r'(?:^|\n)(?:import|export)\b[^;]*?from "([^"]+)"|(?:^|\n)import "([^"]+)"', path.read_text("utf-8")):
        imported(_resolved(path, name[0] or name[1]), found)
    return found


def _resolved(path: Path, name: str) -> Path:
    if name.startswith("."):
        return (path.parent / name).resolve()
    named = json.loads(re.findall(r'importmap">(.*?)<', shell(PAGES["/"]))[0])["imports"]
    return STATIC / str(named[name]).removeprefix("/static/")


def compressed(paths: Iterator[Path] | set[Path]) -> int:
    """Bytes as they travel."""
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in paths)


def test_both_languages_have_the_same_words_and_none_is_empty() -> None:
    assert set(words("zh")) == set(words("en"))
    assert [key for language in LANGUAGES for key, word in words(language).items() if not word.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_takes_the_same_parameters_in_both_languages(language: str) -> None:
    parameters = {key: set(re.findall(r"\{\w+\}", word)) for key, word in words(language).items()}
    other = {key: set(re.findall(r"\{\w+\}", word)) for key, word in words("en" if language == "zh" else "zh").items()}
    loose = {key for key in parameters if key.endswith(".one")}
    assert {key for key in parameters.keys() - loose if not parameters[key] <= other[key] | {"{n}"}} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_that_the_server_sends_has_a_word(kind: str) -> None:
    assert {f"{kind}.{code}" for code in KINDS[kind]} - set(words("zh")) == set()


def test_every_word_that_a_page_asks_for_is_there() -> None:
    script = "".join(path.read_text("utf-8") for path in ours(".js"))
    asked = set(re.findall(r'\bt\("([^"]+)"', script))
    assert asked - set(words("zh")) == set()


def test_nothing_is_asked_of_another_site() -> None:
    for path in (found for suffix in (".js", ".css", ".json") for found in ours(suffix)):
        addresses = re.findall(r"https?://[^\s\"'`]+", path.read_text("utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path.name


@pytest.mark.parametrize("page", SHELLS, ids=lambda page: page.name)
def test_a_page_has_nothing_inline_but_its_import_map(page: Page) -> None:
    text = shell(page)
    assert not re.search(r'<style|\sstyle=|<script(?! type="importmap">)(?![^>]*src=)|\son\w+=', text)
    assert text.index("importmap") < text.index('type="module"')


@pytest.mark.parametrize("page", SHELLS, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Page) -> None:
    linked = re.findall(r'(?:href|src)="/static/([^"]+)"', shell(page))
    assert [name for name in linked if not (STATIC / name).is_file()] == []


def test_script_stays_within_its_budget_before_and_with_the_map() -> None:
    before = imported(STATIC / "operations" / "main.js")
    assert STATIC / "vendor" / "maplibre-gl.mjs" not in before
    engine = {STATIC / "lib" / "map_gl.js", *(STATIC / "vendor").glob("maplibre-gl*.mjs")}
    assert compressed(before) <= MOST_BEFORE_MAP
    assert compressed(before | engine) <= MOST_SCRIPT

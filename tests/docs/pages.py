"""What the tests of the documentation read: pages, their links, anchors and code blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path

from cli.docs import pages
from config.settings import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def names() -> list[str]:
    """Every page, relative to the project."""
    return [str(page.relative_to(ROOT)) for page in pages()]


def read(name: str) -> str:
    """A page's text."""
    return (ROOT / name).read_text("utf-8")


def links(name: str) -> list[str]:
    """Where a page links to, code blocks left out."""
    return LINK.findall(FENCE.sub("", read(name)))


def blocks(language: str) -> list[Block]:
    """All fenced blocks of this language."""
    return [Block(name, found[1], found[2]) for name in names() for found in FENCE.finditer(read(name)) if found[1] == language]


def block(name: str, language: str) -> str:
    """The first fenced block of this language on a page."""
    return next(each.text for each in blocks(language) if each.page == name)


def anchors(path: Path) -> set[str]:
    """The anchors that a Markdown viewer makes of a page's headings."""
    headings: Iterator[str] = (found[1] for found in HEADING.finditer(FENCE.sub("", path.read_text("utf-8"))))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_column(name: str, heading: str) -> list[str]:
    """The names in the first column of the first table below a heading, without their backticks."""
    below = read(name).split(f"\n{heading}\n", 1)[1]
    table = list(takewhile(_is_row, dropwhile(lambda line: not _is_row(line), below.splitlines())))
    return [each for line in table[2:] for each in re.findall(r"`([^`]+)`", line.split("|")[1])]


def _is_row(line: str) -> bool:
    return line.startswith("|")

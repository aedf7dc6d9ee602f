"""Texts of notices from templates: jinja2 in its sandbox, in a language so small that every template ends soon and stays small.

Allowed are output, `if`, `for` over what the notice holds (two deep), comparisons, and a few filters; no calls, no assignments, no
arithmetic, no macros, no includes. So a template's work is bounded by its own length (4 kB) times the cases shown, whatever it says: no
clock is needed to stop it. A name that does not exist is an error, seen when configuration is loaded, because every template is tried then.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, BaseModel, ConfigDict

from handlers.channel import Target
from handlers.shown import TEXTS, Safe, view, word
from handlers.words import Language
from incidents.notices import Alert, Notice

MOST_SOURCE = 4096
MOST_TEXT = 64_000
MOST_CASES = 20
FILTERS = frozenset({"default", "first", "last", "length", "lower", "title", "trim", "truncate", "upper"})
DEEP = 2
_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
)
_OVER = (nodes.Name, nodes.Getattr, nodes.Getitem)

_FULL_WIDTH = str.maketrans("`*_[]()#<>!|~@&\\", "'＊＿［］（）＃＜＞！｜～＠＆＼")


def plain(value: object) -> str:
    """A value in a text: one line, nothing that a screen would obey."""
    return "".join(each for each in str(value) if each.isprintable())


def markdown(value: object) -> str:
    """A value in the robots' markdown: what they would read as a sign of theirs becomes its full-width twin, so no address, mention
    (`@`, `<at …>`) or heading can be smuggled in by what somebody reported."""
    return str(value) if isinstance(value, Safe) else plain(value).translate(_FULL_WIDTH)


Escape = Callable[[object], str]


@lru_cache
def _environment(escape: Escape) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=escape, trim_blocks=True, lstrip_blocks=True, autoescape=False, optimized=False
    )
    made.globals = {}
    made.filters = {name: made.filters[name] for name in sorted(FILTERS)}
    return made


def checked(source: str) -> str:
    """The source of a template, as it is. Raises ValueError saying what in it is not allowed, or fails with a notice like any other."""
    if len(source.encode()) > MOST_SOURCE:
        raise ValueError(f"a template has at most {MOST_SOURCE} bytes, this one {len(source.encode())}")
    try:
        tree = _environment(plain).parse(source)
        for node in tree.find_all(nodes.Node):
            _allowed(node)
        _shallow(tree, 0)
    except TemplateError as error:
        raise ValueError(f"the template cannot be read: {error}") from None
    for sample in _samples():
        rendered(source, view(sample, _SAMPLE_TARGET, "en", MOST_CASES))
    return source


Source = Annotated[str, AfterValidator(checked)]


def _allowed(node: nodes.Node) -> None:
    if not isinstance(node, _NODES):
        raise ValueError(f"line {node.lineno}: a template may not have {type(node).__name__.lower()} in it")
    if isinstance(node, nodes.Name) and node.name == "self":
        raise ValueError(f"line {node.lineno}: a template knows nothing of itself")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise ValueError(f"line {node.lineno}: no filter {node.name!r}; there are {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.For) and (node.recursive or not isinstance(node.iter, _OVER)):
        raise ValueError(f"line {node.lineno}: `for` goes over what the notice holds, and nothing else")


def _shallow(node: nodes.Node, depth: int) -> None:
    depth += isinstance(node, nodes.For)
    if depth > DEEP:
        raise ValueError(f"a template's loops stand at most {DEEP} deep in each other")
    for child in node.iter_child_nodes():
        _shallow(child, depth)


def rendered(source: str, values: Mapping[str, Any], escape: Escape = plain) -> str:
    """The text, at most 64,000 characters. Raises ValueError when the template fails."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in _compiled(source, escape).generate(values):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_TEXT:
                break
    except (TemplateError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"the template fails: {error}") from error
    lines = (line.rstrip() for line in "".join(pieces)[:MOST_TEXT].splitlines())
    return "\n".join(line for line in lines if line).strip()


@lru_cache(maxsize=256)
def _compiled(source: str, escape: Escape) -> Any:
    return _environment(escape).from_string(source)


@lru_cache
def text(name: str, language: Language) -> str:
    """The source of one of our own texts: `title`, `text`, `markdown`, `sms` or `voice`."""
    return (TEXTS / f"{name}.{language}.j2").read_text("utf-8")


class Worded(BaseModel):
    """What channels that people read have in common: the language, and templates of the city's own in place of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language = "zh"
    title: Source | None = None
    text: Source | None = None


def fitted(written: Callable[[int], str], size: Callable[[str], int], most: int, language: Language, mark: str = "") -> str:
    """The text with as many cases as fit, and when one is too much, cut at a character and saying so.

    `written` gives the text with at most so many cases; `size` what of `most` a text takes; `mark` says that it was cut. Raises ValueError
    when nothing fits.
    """
    for shown in (MOST_CASES, 10, 5, 2, 1):
        whole = written(shown)
        if size(whole) <= most:
            return whole
    mark = mark or word(language, "phrase", "cut")
    while whole and (over := size(whole + mark) - most) > 0:
        whole = whole[: -max(1, over // 4)]
    if not whole:
        raise ValueError(f"not even a cut text fits into {most}")
    return whole + mark


class _Nothing(BaseModel):
    """Settings of a target that is none."""


_SAMPLE_TARGET = Target("sample", "", _Nothing())


def _samples() -> tuple[Notice, ...]:
    """A notice of a case, and one about none."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    case = Alert(fingerprint="f", labels={"case_id": "QD-1", "category": "c"}, annotations={"state": "filed"}, starts_at=at)
    first = Notice(id="n", group_key="g", receiver="r", reason="first notification", alerts=(case,), status="firing", at=at, sequence=1)
    return first, first.model_copy(update={"alerts": (), "reason": "endpoint.failing", "fact": "endpoint.failing"})

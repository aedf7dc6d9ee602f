"""JSON looked at exactly, and a validator's refusal in words: what intake asks about the few reports that its fast look does not pass.

Some 15 µs for a report; linear in the size of the value whatever stands in it, for it reads what anybody sends.
"""

import json
import math
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from pydantic import ValidationError

from incidents.errors import BadReport, RejectReason

MAX_DEPTH = 16
"""Objects and lists inside each other, the whole value counted."""
MAX_ATTRIBUTES = 1 << 16
"""The largest `data.attributes`, as JSON in characters: a case carries them on every fact."""
MOST_INTEGER = (1 << 63) - 1
FIELD_SHOWN = 100

_SHAPES = frozenset({"dict_type", "model_type", "list_type", "typed_dict_type"})
_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
_BRANCHES = frozenset({"plain", "constrained-str", "constrained-int"})
_WITHHELD = ("data.reporter", "data.building", "data.plate", "data.description", "data.attributes")
"""Personal, or a person's words: a mistake in them is told without what they are."""

_brief = reprlib.Repr()
_brief.maxdict = _brief.maxlist = 3
_brief.maxlevel = 2
_brief.maxstring = _brief.maxother = 60


def shown(value: object) -> str:
    """A value for a person's eyes, never longer than a line.

    >>> shown("x" * 1000)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    return _brief.repr(value)


def exact(value: bytes) -> None:
    """Raise BadReport for what the compiled validator passes: a key twice, an empty key, NaN and Infinity, depth."""
    _look(value, _constant)


def _look(value: bytes, constant: Callable[[str], float]) -> None:
    try:
        whole = json.loads(value, object_pairs_hook=_object, parse_constant=constant)
    except RecursionError:
        raise BadReport(RejectReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:  # not UTF-8, not JSON, an integer of thousands of digits
        raise BadReport(RejectReason.NOT_JSON, f"{str(error)[:FIELD_SHOWN]}; {_head(value)}") from None
    _depth(whole, 1)


def storable(attributes: Mapping[str, Any], size: int) -> None:
    """Raise BadReport when a source's own attributes (in a value of `size` bytes) cannot be kept beside a case as they are."""
    for leaf in _leaves(attributes):
        if (isinstance(leaf, float) and not math.isfinite(leaf)) or (isinstance(leaf, int) and abs(leaf) > MOST_INTEGER):
            raise BadReport(RejectReason.INVALID_VALUE, f"data.attributes hold {shown(leaf)}: numbers are finite and fit into 64 bits")
    if size > MAX_ATTRIBUTES and (length := len(json.dumps(attributes))) > MAX_ATTRIBUTES:
        raise BadReport(RejectReason.OVERSIZED, f"data.attributes have {length} characters; at most {MAX_ATTRIBUTES}")


def refuse(value: bytes, error: ValidationError) -> NoReturn:
    """Raise the BadReport that says what a ValidationError found first."""
    first = error.errors(include_url=False)[0]
    kind, message = str(first["type"]), str(first["msg"])
    if kind == "json_invalid":
        raise _not_json(value, message)
    _look(value, float)  # two values of one key are the cause, a wrong value the symptom
    where = _field(first["loc"])
    if kind == "missing":
        _sealed_whole(value)
        raise BadReport(RejectReason.MISSING_FIELD, f"{where} is required")
    held = _shown_of(where, first["input"])
    if where == "time":
        raise BadReport(RejectReason.BAD_TIME, f"time {held} is not text of RFC 3339, e.g. 2026-11-21T08:15:02+08:00")
    reason = RejectReason.INVALID_SHAPE if kind in _SHAPES else RejectReason.INVALID_VALUE
    raise BadReport(reason, f"{where or 'the value'} is {held}: {message}")


def _sealed_whole(value: bytes) -> None:
    """Raise what the edge said of a report that it could not read and sealed as a whole (`incidents.sealing.whole`)."""
    found = json.loads(value)
    if found.keys() >= {"sealed", "refused", "detail"} and found["refused"] in list(RejectReason):
        raise BadReport(RejectReason(found["refused"]), f"sealed as a whole at the edge: {str(found['detail'])[:1000]}")


def _shown_of(where: str, value: object) -> str:
    """What stands in a field, for an answer to anybody: nothing of a person's, and of what may hold anything only what it is."""
    if where.startswith(_WITHHELD):
        return "…"
    if where in ("", "data"):
        return _KINDS.get(type(value), "a number")
    return shown(value)


def _field(loc: Sequence[int | str]) -> str:
    """The path of a field; which branch of a choice was tried is no part of it."""
    parts = [str(part) for part in loc if part not in _BRANCHES]
    if "sealed" in parts:
        parts.remove("sealed")
    return ".".join(parts)[:FIELD_SHOWN]


def _not_json(value: bytes, message: str) -> BadReport:
    if "recursion" in message:
        return BadReport(RejectReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    if "number out of range" in message:
        return BadReport(RejectReason.INVALID_VALUE, f"{message}: an integer of thousands of digits")
    return BadReport(RejectReason.NOT_JSON, f"{message}; {_head(value)}")


def _head(value: bytes) -> str:
    """Enough to tell XML, gzip or UTF-16 from JSON, too little to tell anything of a person."""
    return f"{len(value)} bytes that begin {value[:4].decode('utf-8', 'replace')!r}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise BadReport(RejectReason.DUPLICATE_KEYS, f"key {shown(_twice(pairs))} stands twice in one object")
    if "" in held:
        raise BadReport(RejectReason.EMPTY_KEY, f'key "" stands in an object beside {shown([key for key in held if key][:3])}')
    return held


def _twice(pairs: list[tuple[str, Any]]) -> str:
    met: set[str] = set()
    for key, _ in pairs:
        if key in met:
            return key
        met.add(key)
    raise AssertionError("called for pairs with a key that stands twice")


def _constant(word: str) -> NoReturn:
    raise BadReport(RejectReason.INVALID_VALUE, f"{word} is no JSON number; leave the key out when there is no value")


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _depth(value: object, depth: int) -> None:
    if depth > MAX_DEPTH and isinstance(value, dict | list):
        raise BadReport(RejectReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    for child in _children(value):
        _depth(child, depth + 1)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for child in _children(value):
            yield from _leaves(child)
    else:
        yield value

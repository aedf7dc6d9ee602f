"""The routing tree of notices as configuration says it: nested tables in, `incidents.notice_tree.Node` out.

Matchers are written as Alertmanager's (`severity="emergency"`, `district=~"3702.*"`, quotes optional). Expressions are RE2's, as there:
they take time linear in the text, whoever wrote them; a back reference or a look-around is refused.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import re2

from incidents.notice_tree import Matcher, Node, Op, Options, Where

_MATCHER = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}
_UNITS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
ALL_LABELS = "..."
WAITS = ("group_wait", "group_interval", "repeat_interval")
ROOT_LACKS = ("matchers", "continue", "mute_time_intervals", "active_time_intervals", "where")


class BadTree(ValueError):
    """What is wrong, and where: `path` is the node's ("0/2" is the third child of the first child of the root)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def matcher_of(text: str) -> Matcher:
    """A matcher from its text. Raises ValueError saying what is wrong with it."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no matcher; write label="value", label!="value", label=~"expression" or label!~"expression"')
    label, op, value = found[1], Op(found[2]), _unquoted(found[3])
    if op in (Op.IS, Op.IS_NOT):
        return Matcher(label, op, value)
    try:
        compiled = re2.compile(value)
    except re2.error as error:
        raise ValueError(f"{text!r}: RE2 does not know this expression ({error})") from None
    return Matcher(label, op, value, lambda whole: compiled.fullmatch(whole) is not None)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        if '"' in text:
            raise ValueError(f"{text!r}: a quote inside a value that does not begin with one")
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise ValueError(f"{text!r} begins with a quote and does not end with one")
    inner = text[1:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise ValueError(f'{text!r}: a quote inside; write it as \\"')
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), inner, flags=re.DOTALL)


def duration_of(text: str) -> timedelta:
    """A duration as Prometheus writes it, "1h30m". Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f'{text!r} is no duration; write it like "30s", "5m" or "1h30m"')
    units = ("y", "w", "d", "h", "m", "s", "ms")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for unit, number in zip(units, found.groups(), strict=True) if number))


def _no_where(text: str) -> Where:
    raise ValueError(f"{text!r}: no conditions but matchers here")


def tree_of(table: Mapping[str, Any], where_of: Callable[[str], Where] = _no_where) -> Node:
    """The tree of a table `{receiver, matchers, continue, group_by, group_wait, group_interval, repeat_interval, mute_time_intervals,
    active_time_intervals, where, routes}`. Raises BadTree for the first mistake."""
    for key in ROOT_LACKS:
        if table.get(key):
            raise BadTree("", f"the root matches everything and is always active: it may have no {key}")
    if not table.get("receiver"):
        raise BadTree("", "the root needs a receiver: whoever is told what no other node routes")
    return _node(table, "", Options(table["receiver"]), where_of)


def _node(table: Mapping[str, Any], path: str, inherited: Options, where_of: Callable[[str], Where]) -> Node:
    try:
        options = _options(table, inherited)
        matchers = tuple(matcher_of(text) for text in table.get("matchers", ()))
        where = tuple(where_of(text) for text in table.get("where", ()))
    except ValueError as error:
        raise BadTree(path, str(error)) from None
    children = table.get("routes", ())
    return Node(
        path=path,
        options=options,
        matchers=matchers,
        goes_on=bool(table.get("continue", False)),
        muted=tuple(table.get("mute_time_intervals", ())),
        active=tuple(table.get("active_time_intervals", ())),
        children=tuple(_node(child, f"{path}/{at}".lstrip("/"), options, where_of) for at, child in enumerate(children)),
        where=where,
    )


def _options(table: Mapping[str, Any], inherited: Options) -> Options:
    """Its own, else its parent's; `group_by = []` groups by nothing (Alertmanager since 0.31)."""
    group_by = inherited.group_by
    if "group_by" in table:
        names = table["group_by"]
        group_by = None if ALL_LABELS in names else frozenset(names)
    waits = {key: duration_of(table[key]) if key in table else getattr(inherited, key) for key in WAITS}
    if not all(waits[key] for key in ("group_interval", "repeat_interval")):
        raise ValueError("group_interval and repeat_interval must be longer than nothing")
    return Options(table.get("receiver", inherited.receiver), group_by, **waits)

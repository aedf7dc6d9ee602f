"""What of a notice may be seen outside, and how it reads: the one place that decides which labels and annotations leave.

`public` is the alert as systems get it: named fields only, addresses without household. `view` is the notice as templates get it: words in
the reader's language and the city's zone, nothing else. A field that nobody named here goes nowhere (docs/privacy.md).
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from handlers.channel import Target
from handlers.words import Language, Words
from incidents.notices import Alert, Notice
from incidents.public_address import public_address
from incidents.vocabulary import Severity

TEXTS = Path(__file__).parent / "texts"
WORDS: dict[str, dict[str, dict[str, str]]] = tomllib.loads((TEXTS / "words.toml").read_text("utf-8"))
"""Language, kind, key: a word."""

LABELS = frozenset({"city", "category", "domain", "district", "subdistrict", "channel", "severity", "case_id", "alertname"})
CASE = frozenset({"state", "category", "condition", "severity", "level", "unit", "assisting", "overdue", "due_at", "drill"})
PLACE = frozenset({"address", "community", "grid", "lon", "lat"})
FATE = frozenset({"escalated_to", "acknowledged", "merged_into", "ended_as", "left"})
ANNOTATIONS = CASE | PLACE | FATE
ABOUT = frozenset({"target", "detail", "silence", "owner", "comment", "ends_at", "unit", "level", "hours"})
"""Of notices about no case: what they may say of what they are about."""
MOST_VALUE = 300

_ORDER = tuple(Severity)
_YES = frozenset({"true", "yes", "1"})


def public(alert: Alert) -> Alert:
    """The alert with the fields that may leave, each at most 300 characters."""
    annotations = _only(alert.annotations, ANNOTATIONS)
    if "address" in annotations:
        annotations["address"] = public_address(annotations["address"])
    return alert.model_copy(update={"labels": _only(alert.labels, LABELS), "annotations": annotations})


def about(notice: Notice) -> dict[str, str]:
    """What a notice about no case is about, as far as it may leave."""
    return _only(notice.group_labels, LABELS | ABOUT)


def _only(values: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value[:MOST_VALUE] for name, value in values.items() if name in names}


def word(language: Language, kind: str, key: str) -> str:
    """A word of notices; the key itself where there is none."""
    return WORDS[language][kind].get(key, key)


class Safe(str):
    """A text of our own making that no channel may escape: an address of a page."""

    __slots__ = ()


def view(notice: Notice, target: Target, language: Language, most: int) -> dict[str, Any]:
    """What a template sees (docs/hooks.md): `cases` are the most urgent first, at most `most`; `more` says how many are not shown;
    `about` what a notice about no case is about."""
    cases = [_case(public(alert), notice, target, language) for alert in _urgent_first(notice.alerts)[:most]]
    return {
        "drill": notice.drill,
        "status": notice.status,
        "reason": _reason(notice, language),
        "digest": len(notice.digested),
        "count": len(notice.alerts) + notice.truncated,
        "more": len(notice.alerts) + notice.truncated - len(cases),
        "cases": cases,
        "about": {} if cases else {word(language, "about", name): value for name, value in about(notice).items()},
        "at": _moment(notice.at, target.words, language),
        "console": Safe(target.words.console),
    }


def _urgent_first(alerts: Sequence[Alert]) -> list[Alert]:
    """What goes on before what is over, the most severe first; the order of the notice among equals."""
    ranks = {severity.value: rank for rank, severity in enumerate(_ORDER)}
    return sorted(alerts, key=lambda alert: (alert.ends_at is not None, ranks.get(_severity(alert), len(_ORDER))))


def _severity(alert: Alert) -> str:
    return alert.annotations.get("severity") or alert.labels.get("severity", "")


def _reason(notice: Notice, language: Language) -> str:
    kind, _, fact = (notice.fact or "").rpartition(".")
    if notice.fact is not None and kind in ("", "case"):
        return word(language, "fact", fact)
    return word(language, "reason", notice.reason)


def _case(alert: Alert, notice: Notice, target: Target, language: Language) -> dict[str, Any]:
    labels, notes, words = alert.labels, alert.annotations, target.words
    case_id, category = labels.get("case_id", ""), notes.get("category") or labels.get("category", "")
    condition = notes.get("condition", "")
    state = notes.get("state", "")
    return {
        "id": case_id,
        "what": words.name("category", category, language),
        "condition": words.name("condition", f"{category}/{condition}", language).partition("/")[0] if condition else "",
        "where": _where(alert, words, language),
        "severity": word(language, "severity", _severity(alert)),
        "emergency": _severity(alert) == Severity.EMERGENCY,
        "state": word(language, "state", state),
        "unit": words.name("unit", notes["unit"], language) if notes.get("unit") else "",
        "who": _who(state, notes, words, language),
        "next": _next(alert, notice, state, language),
        "due": _due(notes, words, language),
        "overdue": notes.get("overdue", "").lower() in _YES,
        "level": word(language, "level", notes.get("escalated_to", "")),
        "ended": alert.ends_at is not None,
        "link": Safe(words.link(case_id)),
        "acknowledge": Safe(target.links.get(case_id, "") if alert.ends_at is None and notes.get("acknowledged") == "false" else ""),
    }


def _where(alert: Alert, words: Words, language: Language) -> str:
    """District, subdistrict and address in words, without saying one twice; the grid's code where there is no address."""
    labels, notes = alert.labels, alert.annotations
    codes = [labels[name] for name in ("district", "subdistrict") if labels.get(name)]
    areas = [words.name("area", code, language) for code in codes]
    address = notes.get("address", "") or notes.get("community", "") or notes.get("grid", "")
    if language == "zh":
        for area in areas:
            address = address.removeprefix(area)
        return "".join(areas) + address or word(language, "phrase", "unknown_place")
    parts = [part for part in (address, *reversed(areas)) if part]
    return ", ".join(parts) or word(language, "phrase", "unknown_place")


def _who(state: str, notes: Mapping[str, str], words: Words, language: Language) -> str:
    """Whose turn it is: the post of the state, the unit by name once there is one."""
    post = {"filed": "dispatcher", "checking": "checker", "checked": "shift_lead", "reported": "shift_lead", "verifying": "collector"}
    if state in post:
        return word(language, "role", post[state])
    unit = notes.get("unit", "")
    return words.name("unit", unit, language) if unit else word(language, "phrase", "nobody")


def _next(alert: Alert, notice: Notice, state: str, language: Language) -> str:
    if alert.ends_at is not None:
        return word(language, "next", "ended")
    if (notice.fact or "").endswith("escalated"):
        return word(language, "next", "escalated")
    return WORDS[language]["next"].get(state, "")


def _due(notes: Mapping[str, str], words: Words, language: Language) -> str:
    try:
        return _moment(datetime.fromisoformat(notes["due_at"]), words, language)
    except (KeyError, ValueError):
        return ""


def _moment(at: datetime, words: Words, language: Language) -> str:
    local = at.astimezone(words.zone)
    if language == "zh":
        return f"{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local:%d %b %H:%M}".removeprefix("0")

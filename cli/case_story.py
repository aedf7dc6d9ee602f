"""A case's story for people: one line per fact, in Chinese and English, with what it meant: whose turn it was, why, and until when."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cli import words
from incidents.catalogue import City
from incidents.refusals import ROLES
from incidents.vocabulary import Role

HEAD = ("#", "时间 at", "历时 after", "事实 fact", "何人 who", "说明 what and why")
FIRED = {
    "stage": "岗位超时 the post holds it too long",
    "remind": "时限将到 most of the limit is over",
    "overdue": "时限已到 the limit is over",
    "escalate": "无人签收 nobody has acknowledged",
    "resume": "挂账到期 the suspension ends",
    "expire": "无人证实 nobody confirmed it",
}
Say = Callable[[City, Any], str | None]


def _as(text: str) -> Say:
    return lambda city, value: text.format(value)


def _at(text: str) -> Say:
    return lambda city, value: text.format(words.moment(value, city.time_zone))


def unit_name(city: City, key: str | None) -> str | None:
    """A unit in both languages, or its key."""
    unit = city.unit_by_key.get(key or "")
    return words.named(unit.name if unit else None, key)


def _units(city: City, keys: list[str]) -> str:
    return "协办 with " + ", ".join(unit_name(city, key) or key for key in keys)


def _condition(city: City, key: str) -> str:
    found = (row for category in city.categories for row in category.conditions if row.key == key)
    row = next(found, None)
    return words.named(row.name if row else None, key) or key


SAID: Mapping[str, Say] = {  # of a fact's data, in this order
    "unit": lambda city, key: f"→ {unit_name(city, key)}",
    "assisting": _units,
    "condition": _condition,
    "reason": _as("“{}”"),
    "note": _as("“{}”"),
    "held_because": _as("{}"),
    "returns": _as("第 {0} 次退回 return no. {0}"),
    "reworks": _as("第 {0} 次返工 rework no. {0}"),
    "extensions": _as("第 {0} 次延期 extension no. {0}"),
    "supervised": _as("第 {0} 次督办 supervised {0}×"),
    "reopened": _as("第 {0} 次重开 reopened {0}×"),
    "precedent": _as("留为先例 kept as a precedent"),
    "suspended_until": _at("至 until {}"),
    "due_at": _at("期限 due {}"),
    "deadline": lambda city, name: FIRED.get(name.partition(":")[0]),
    "escalated_to": _as("升至 up to {}"),
    "level": _as("层级 level {}"),
    "merged_into": _as("并入 into {}"),
    "rating": _as("{} / 5"),
    "grounds": lambda city, said: f"{said['zh']} {said['en']}",
    "rule": _as("依规则 by rule {}"),
}


def line(city: City, fact: str, sequence: int, data: Mapping[str, Any], opened: datetime) -> list[Any]:
    """One fact as a row under HEAD; `data` is the fact's as it stands on `cases.events`, `opened` when the story began."""
    at = datetime.fromisoformat(str(data["at"]))
    actor = data["actor"]
    who = f"{ROLES[Role(actor['role'])]} {actor['id']}"
    said = (say(city, data[name]) for name, say in SAID.items() if data.get(name))
    what = " · ".join(dict.fromkeys(part for part in said if part))
    return [sequence, words.moment(at, city.time_zone), _after(at, opened), words.both("fact", fact), who, what]


def _after(at: datetime, opened: datetime) -> str:
    minutes = int((at - opened).total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"+{f'{days} d ' if days else ''}{f'{hours} h ' if days or hours else ''}{minutes % 60} min"

"""What a rehearsal, or the difference of two, looks like to a person: Chinese and English side by side. No command of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from cli import words
from cli.output import table
from incidents.catalogue import City, Named
from streams.rehearsal.account import Found
from streams.rehearsal.difference import Changed, Difference, Instead

SHOWN = 15
WORDS = {
    "verdicts": "reports 报告",
    "merges": "merged by 合并依据",
    "holds": "held 暂存",
    "rejected": "rejected 拒收",
    "states": "cases 案件",
    "categories": "cases by category 案件分类",
    "routes": "dispatched by rule 派遣规则",
    "units": "dispatched to 派往部门",
    "deadlines": "deadlines 时限",
    "reminders": "clock 计时提醒",
    "escalations": "escalated to 升级至",
    "refused": "rules' commands that were refused 被拒绝的规则指令",
}
NAMES = {
    "opened": "立案线索 opened a case",
    "merged": "并入 merged",
    "held": "暂存 held",
    "resent": "重发 resent",
    "rejected": "拒收 rejected",
    "waiting": "待确认 waiting to be confirmed",
    "refused_before": "曾被否定 refused before",
    "lifted": "已确认 lifted",
    "expired": "已过期 expired",
    "met": "按时 met",
    "overdue": "超时 overdue",
    "running": "计时中 running",
    "none": "无时限 no deadline",
    "reminded": "提醒 reminders",
}


def view(found: Found, city: City) -> RenderableType:
    """One rehearsal."""
    head = f"{found.reports:,} reports 报告 → {found.cases:,} cases 案件, {city.name.zh} {city.name.en}, rules {found.rules}"
    as_of = words.moment(found.as_of, city.time_zone)
    parts: list[RenderableType] = [f"{head}, as of {as_of}"]
    for name, title in WORDS.items():
        counts = getattr(found, name)
        if counts:
            parts.append(_counts(title, [(_name(city, name, key), count) for key, count in counts.items()]))
    if found.bad:
        parts.append(table(("bad report 坏报告", "reason", ""), ((bad.where, bad.reason, bad.detail[:120]) for bad in found.bad)))
    parts.append(table(("indicator 指标", "rate 比率", "counts 数量", "rule 规则"), map(_indicator, found.indicators)))
    return _spaced(parts)


def difference_view(made: Difference, city: City) -> RenderableType:
    """Two rehearsals; `city` names the things of both."""
    parts: list[RenderableType] = [_rules("a", made.a), _rules("b", made.b)]
    if made.is_none:
        return _spaced([*parts, "无差异: both sets of rules do the same with this file"])
    for name, counts in made.counts.items():
        rows = ((_name(city, name, key), f"{a:,}", f"{b:,}", f"{b - a:+,}") for key, (a, b) in counts.items())
        parts.append(table((WORDS[name], "a", "b", ""), rows))
    parts += _instead("a", made.only_a, made.opened_only_by_a)
    parts += _instead("b", made.only_b, made.opened_only_by_b)
    if made.routed:
        parts.append(_counts("routed differently 派遣不同", made.routed.items()))
        parts.append(_changed(made.routed_differently))
    if made.later or made.earlier:
        parts.append(f"deadlines moved 时限变动: {made.later:,} later 推迟, {made.earlier:,} earlier 提前")
        parts.append(_changed(made.deadlines_moved, city.time_zone))
    if made.ended:
        parts.append(_counts("deadlines ended differently 时限结果不同", made.ended.items()))
    if made.indicators:
        parts.append(table(("indicator 指标", "a", "b", "counts a", "counts b"), map(_both_indicators, made.indicators)))
    return _spaced(parts)


def _rules(side: str, found: Found) -> str:
    return f"{side}: {found.city}, rules {found.rules}: {found.reports:,} reports 报告 → {found.cases:,} cases 案件"


def _instead(side: str, count: int, examples: list[Instead]) -> list[RenderableType]:
    if not count:
        return []
    other = "b" if side == "a" else "a"
    head = (f"{count:,} opened only by 仅此立案: {side}", "category", f"in {other} the report was", "of case")
    return [table(head, ((each.case, each.category, words.both("rule", each.by), each.into) for each in examples[:SHOWN]))]


def _changed(examples: list[Changed], zone: str | None = None) -> Table:
    """With a `zone` what changed are moments."""
    shown = ((each.a, each.b) if zone is None else (words.moment(each.a, zone), words.moment(each.b, zone)) for each in examples[:SHOWN])
    rows = ((each.case, each.category, *pair) for each, pair in zip(examples, shown, strict=False))
    return table(("case 案件", "category", "a", "b"), rows)


def _counts(title: str, counts: Iterable[tuple[str, int]]) -> Table:
    rows = list(counts)
    shown = [(name, f"{count:,}") for name, count in rows[:SHOWN]]
    if len(rows) > SHOWN:
        shown.append((f"… {len(rows) - SHOWN} more 其余", f"{sum(count for _, count in rows[SHOWN:]):,}"))
    return table((title, ""), shown)


def _name(city: City, counts: str, key: str) -> str:
    if counts == "units":
        return _named(city.unit_by_key[key].name if key in city.unit_by_key else None, key)
    if counts == "categories":
        return _named(city.catalogue[key].name if key in city.catalogue else None, key)
    kind = {"merges": "rule", "states": "state", "escalations": "level"}.get(counts)
    return words.both(kind, key) if kind else NAMES.get(key, key)


def _named(name: Named | None, key: str) -> str:
    return f"{words.named(name, key)} ({key})" if name else key


def _indicator(each: Mapping[str, Any]) -> list[Any]:
    return [_title(each), _percent(each["rate"]), _amount(each), each["rule"]]


def _both_indicators(each: Mapping[str, Any]) -> list[Any]:
    both = each["a"], each["b"]
    rates = [_percent(figures["rate"]) if figures else None for figures in both]
    return [_title(each), *rates, *(_amount(figures) if figures else None for figures in both)]


def _title(each: Mapping[str, Any]) -> str:
    name = each["name"] or {}
    post = f" ({words.both('role', each['post'])})" if each["post"] else ""
    return " ".join(dict.fromkeys(name.values())) + post


def _amount(figures: Mapping[str, Any]) -> str:
    below = "" if figures["denominator"] is None else f"/{figures['denominator']:,}"
    return f"{figures['numerator']:,}{below}"


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.2%}"


def _spaced(parts: list[RenderableType]) -> Group:
    return Group(*(each for part in parts for each in (part, "")))

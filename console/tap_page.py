"""The page behind a one-tap link: which case, whose escalation, one button; in both languages, without a script.

It shows what a notice may say (docs/privacy.md): what, where by area, since when and until when; nothing of a household, no address.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from incidents.case import Case
from incidents.catalogue import City, Named

LABELS = Path(__file__).parent / "static" / "labels"

_SHELL = """<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>{title}</title>
  <link rel="icon" href="/static/mark.svg">
  <link rel="stylesheet" href="/static/css/base.css">
  <link rel="stylesheet" href="/static/css/ui.css">
  <link rel="stylesheet" href="/static/login/login.css">
</head>
<body>
  <main class="login"><div class="card">
    <h1>{title}</h1>
    {lines}
    {form}
  </div></main>
</body>
</html>
"""
_FORM = '<form method="post"><button class="button main" type="submit">签收 Acknowledge</button></form>'


@dataclass(frozen=True, slots=True)
class Said:
    """A heading and lines, each in Chinese and English."""

    title: tuple[str, str]
    lines: tuple[tuple[str, str], ...] = ()


WRONG = Said(("链接无效", "This link is not valid"), (("请使用通知中的完整链接。", "Open the whole link of the notice."),))
ENDED = Said(
    ("链接已过期", "This link has ended"),
    (("请在工作台签收，或等待新的通知。", "Acknowledge it at the desk, or wait for the next notice."),),
)
NOT_YOURS = Said(
    ("您不能签收此案件", "This case is not yours to acknowledge"),
    (("您已不在值班名单，或账号已停用。", "You are no longer on the roster, or your account is disabled."),),
)
TAKEN = Said(("已签收", "Acknowledged"), (("谢谢，案件不再向上升级。", "Thank you: it goes up no further."),))
BEFORE = Said(("已有人签收", "It has been acknowledged"))
NOT_NOW = Said(("现在无需签收", "There is nothing to acknowledge now"))
PENDING = Said(
    ("已记录，正在处理", "Recorded, and on its way"), (("稍后再次打开本链接可查看结果。", "Open this link again to see what came of it."),)
)
ASKED = Said(("案件升级，请签收", "A case was escalated to you"))


def page(said: Said, facts: Iterable[tuple[str, str]] = (), *, button: bool = False) -> str:
    """The page as HTML."""
    lines = [f"<p>{escape(zh)}</p>" + (f'<p class="line" lang="en">{escape(en)}</p>' if en else "") for zh, en in (*said.lines, *facts)]
    return _SHELL.format(title=" ".join(map(escape, said.title)), lines="\n    ".join(lines), form=_FORM if button else "")


def facts_of(city: City, case: Case, name: str) -> list[tuple[str, str]]:
    """What of a case stands on the page, for this person."""
    district = next((each.name for each in city.districts if each.code == case.place.district), Named(zh="", en=""))
    category, unit = city.catalogue.get(case.category), city.unit_by_key.get(case.unit or "")
    what = category.name if category else Named(zh=case.category, en=case.category)
    lines = [
        (f"{name}：案件 {case.case_id}", f"For {name}: case {case.case_id}"),
        (f"{district.zh} {what.zh}".strip(), f"{what.en}, {district.en}".strip(", ")),
        tuple(f"{words[f'severity.{case.severity}']} · {words[f'state.{case.state}']}" for words in (_words("zh"), _words("en"))),
    ]
    if unit is not None:
        lines.append((f"处置部门：{unit.name.zh}", f"Handled by {unit.name.en}"))
    if case.due_at is not None:
        at = _local(city, case.due_at)
        lines.append((f"截止 {at}{'，已超时' if case.overdue else ''}", f"Due {at}{', overdue' if case.overdue else ''}"))
    return [(zh, en) for zh, en in lines]


def _local(city: City, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(city.time_zone)):%Y-%m-%d %H:%M}"


@cache
def _words(language: str) -> Mapping[str, str]:
    found: dict[str, str] = json.loads((LABELS / f"{language}.json").read_bytes())
    return found

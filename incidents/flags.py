"""The 0/1 flags of a case, each defined once: every indicator counts flags and nothing else.

A case's flags are the bits of one number. Some come true by time alone (a limit ends, a suspension grows old): `Standing` carries these
beside the others, with their moment, and `flags_at` says what holds then. Names follow the statistics records of systems in use.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from incidents.catalogue import OUTSIDE_INDICATORS, Named
from incidents.clocks import RUNNING
from incidents.evaluation import DISPUTE, STAGE_BIT, Sheet
from incidents.transitions import RETURNS_TO_ARBITER
from incidents.vocabulary import ENDED, Channel, FactType, State

F, S = FactType, State
STOCK_AFTER_MS = timedelta(days=60) // timedelta(milliseconds=1)
"""A suspension that lasts longer is on the stock list (DOMAIN.md, suspension)."""
SATISFIED = 4
"""Least rating (of 1 to 5) that counts as satisfied: this project's choice."""
OUT = frozenset({S.MERGED, S.VOID, S.NOT_FILED})


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: its names, what it means and where that comes from, and the test of a sheet."""

    key: str
    name: Named
    means: str
    holds: Callable[[Sheet], bool]


def _filed(sheet: Sheet) -> bool:
    return sheet.lifted and sheet.filed_ms is not None and sheet.state not in OUT


def _dispatched(sheet: Sheet) -> bool:
    return _filed(sheet) and (sheet.has(F.DISPATCHED) or sheet.has(F.ARBITRATED))


def _handled(sheet: Sheet) -> bool:
    return _dispatched(sheet) and sheet.handled_ms is not None


def _need_close(sheet: Sheet) -> bool:
    return _filed(sheet) and (sheet.handled_ms is not None or sheet.came_due_ms is not None)


def _need_handle(sheet: Sheet) -> bool:
    return _dispatched(sheet) and _need_close(sheet)


def _closed(sheet: Sheet) -> bool:
    return _filed(sheet) and sheet.state == S.CLOSED


def _report(sheet: Sheet) -> bool:
    return sheet.lifted and sheet.state != S.MERGED


def _refused(sheet: Sheet, *kinds: FactType) -> bool:
    return _report(sheet) and sheet.state == S.NOT_FILED and sheet.refusal in kinds


def _hotline(sheet: Sheet) -> bool:
    return _filed(sheet) and sheet.channel == Channel.HOTLINE


def _of_filed(*kinds: FactType, now: bool = False) -> Callable[[Sheet], bool]:
    return lambda sheet: _filed(sheet) and any(sheet.has(kind, now=now) for kind in kinds)


def _stage(state: str, *, in_time: bool) -> Callable[[Sheet], bool]:
    bit = STAGE_BIT[state]
    return lambda sheet: _report(sheet) and bool(sheet.stages & bit) and not (in_time and sheet.late & bit)


def _flag(key: str, zh: str, en: str, means: str, holds: Callable[[Sheet], bool]) -> Flag:
    return Flag(key, Named(zh=zh, en=en), means, holds)


# fmt: off
FLAGS: tuple[Flag, ...] = (
    # reported, and the counters of what goes no further
    _flag("report", "上报", "reported", "it came to somebody's queue and is not merged", _report),
    _flag("held", "暂存", "held sighting", "a machine's sighting that nobody confirmed: out of everything else", lambda c: not c.lifted),
    _flag("merged", "并案", "merged", "part of another case: out of everything else", lambda c: c.lifted and c.state == S.MERGED),
    _flag("not_accepted", "不予受理", "not accepted", "it ended so", lambda c: _refused(c, F.NOT_ACCEPTED)),
    _flag("not_filed", "不予立案", "not filed", "it ended so, also when it was not found on site",
          lambda c: _refused(c, F.NOT_FILED, F.NOT_FOUND)),
    _flag("not_found", "核实不实", "not found", "not filed because the collector did not find it", lambda c: _refused(c, F.NOT_FOUND)),
    _flag("void", "作废", "void", "it ended so", lambda c: _report(c) and c.state == S.VOID),
    _flag("pending", "待立案", "waiting to be filed", "reported, and neither filed nor ended",
          lambda c: _report(c) and c.state in (S.REPORTED, S.VERIFYING)),
    # filed and dispatched
    _flag("filed", "立案", "filed", "it has a filing time, and is neither merged, void nor not filed", _filed),
    _flag("to_dispatch", "待派遣", "waiting to be dispatched", "its state", lambda c: _filed(c) and c.state == S.FILED),
    _flag("dispatched", "派遣", "dispatched", "filed, and some unit got it", _dispatched),
    _flag("redispatched", "改派", "unit changed", "dispatched, and then another unit, a return or a transfer",
          lambda c: _dispatched(c) and c.changed),
    _flag("accurate_dispatch", "准确派遣", "dispatched accurately", "dispatched, without a later change of unit",
          lambda c: _dispatched(c) and not c.changed),
    _flag("returned", "回退", "returned", "a unit sent it back", _of_filed(F.RETURNED)),
    _flag("ping_pong", "推诿", "ping-pong", "two or more returns", lambda c: _filed(c) and c.returns >= RETURNS_TO_ARBITER),
    _flag("arbitrated", "裁决", "arbitrated", "the arbiter decided on its unit", _of_filed(F.ARBITRATED)),
    _flag("transferred", "移交", "transferred", "it was given to another level", _of_filed(F.TRANSFERRED)),
    # handled
    _flag("need_handle", "应处置", "to be handled", "dispatched, and handled or its limit is over", _need_handle),
    _flag("handled", "处置", "handled", "its unit reported it handled, and no check has failed since", _handled),
    _flag("intime_handle", "按时处置", "handled on time", "before the limit ended", lambda c: _handled(c) and c.came_due_ms is None),
    _flag("overtime_handle", "超时处置", "not handled on time", "to be handled, and the limit ended first",
          lambda c: _need_handle(c) and c.came_due_ms is not None),
    _flag("to_handle", "待处置", "being handled", "with its unit, open",
          lambda c: _filed(c) and c.state in (S.DISPATCHED, S.HANDLING, S.SUSPENDED)),
    # closed
    _flag("need_close", "应结案", "to be closed", "filed, and handled, or still open and overdue", _need_close),
    _flag("closed", "结案", "closed", "its state", _closed),
    _flag("intime_close", "按期结案", "closed on time", "closed, and handled before the limit ended",
          lambda c: _closed(c) and c.came_due_ms is None),
    _flag("overtime_close", "超期结案", "closed late", "closed, and handled after the limit ended",
          lambda c: _closed(c) and c.came_due_ms is not None),
    _flag("closed_by_person", "人工结案", "closed by a person", "closed, and not by rule", lambda c: _closed(c) and not c.by_rule),
    _flag("open", "在办", "open", "filed and not ended", lambda c: _filed(c) and c.state not in ENDED),
    _flag("reopened", "重新立案", "reopened", "it was closed and taken up again", _of_filed(F.REOPENED)),
    # on the way
    _flag("rework", "返工", "reworked", "a check failed", lambda c: _filed(c) and c.reworks > 0),
    _flag("multi_rework", "多次返工", "reworked again", "two or more checks failed", lambda c: _filed(c) and c.reworks > 1),
    _flag("extended", "延期", "extended", "an extension was granted on its present clock", _of_filed(F.EXTENDED, now=True)),
    _flag("suspended", "挂账", "suspended", "its state", lambda c: _filed(c) and c.state == S.SUSPENDED),
    _flag("suspended_ever", "曾挂账", "suspended once", "it was suspended at some time", _of_filed(F.SUSPENDED)),
    _flag("suspended_stock", "挂账存量", "suspended stock", "suspended for more than 60 days", lambda _: False),  # by time alone
    _flag("reminded", "催办", "reminded", "a reminder was said", _of_filed(F.REMINDED)),
    _flag("escalated", "升级", "escalated", "it went up a level, unhandled", _of_filed(F.ESCALATED)),
    _flag("supervised", "督办", "supervised", "a level above supervised it", _of_filed(F.SUPERVISED)),
    _flag("leader_noted", "批示", "leader's note", "a leader wrote a note on it", lambda c: _filed(c) and c.leader_noted),
    _flag("note_unanswered", "批示未回复", "leader's note unanswered", "a leader's note on it waits for an answer",
          lambda c: _filed(c) and c.unanswered),
    _flag("recurrence", "复发", "recurred", "it came back at the place of a closed case", lambda c: _filed(c) and c.recurs),
    _flag("appealed", "申诉", "appealed", "its unit appealed against the overtime", _of_filed(F.APPEALED)),
    _flag("appeal_upheld", "申诉成立", "appeal upheld", "dispatcher and acceptor agreed: only adjusted figures change",
          lambda c: _filed(c) and c.upheld),
    # hotline
    _flag("hotline", "热线工单", "hotline case", "filed, from the hotline", _hotline),
    _flag("hotline_answered", "热线响应", "hotline case taken up", "its unit accepted it", lambda c: _hotline(c) and c.has(F.ACCEPTED)),
    _flag("hotline_due", "热线应办结", "hotline case to be closed", "and the need to close", lambda c: _hotline(c) and _need_close(c)),
    _flag("hotline_closed", "热线办结", "hotline case closed", "its state", lambda c: _hotline(c) and _closed(c)),
    _flag("hotline_rated", "热线回访", "hotline case called back", "closed, and its reporter gave a rating",
          lambda c: _hotline(c) and _closed(c) and c.rating is not None),
    _flag("hotline_satisfied", "热线满意", "hotline reporter satisfied", "rated 4 or 5",
          lambda c: _hotline(c) and _closed(c) and (c.rating or 0) >= SATISFIED),
    # posts: it was the post's turn, and within the stage limit; a case that still waits there too long is one not in time
    _flag("need_accept", "应受理", "to be accepted", "the acceptor's turn is over, or its limit", _stage(S.REPORTED, in_time=False)),
    _flag("intime_accept", "按时受理", "accepted on time", "filed, refused or sent out within the stage limit",
          _stage(S.REPORTED, in_time=True)),
    _flag("need_verify", "应核实", "to be verified", "the collector's turn is over, or its limit", _stage(S.VERIFYING, in_time=False)),
    _flag("intime_verify", "按时核实", "verified on time", "within the stage limit", _stage(S.VERIFYING, in_time=True)),
    _flag("need_dispatch", "应派遣", "to be dispatched", "the dispatcher's turn is over, or its limit", _stage(S.FILED, in_time=False)),
    _flag("intime_dispatch", "按时派遣", "dispatched on time", "within the stage limit, every time", _stage(S.FILED, in_time=True)),
    _flag("need_arbitrate", "应裁决", "to be arbitrated", "the arbiter's turn is over, or its limit", _stage(DISPUTE, in_time=False)),
    _flag("intime_arbitrate", "按时裁决", "arbitrated on time", "within the stage limit", _stage(DISPUTE, in_time=True)),
    _flag("need_take", "应接单", "to be taken", "the unit's turn to accept is over, or its limit", _stage(S.DISPATCHED, in_time=False)),
    _flag("intime_take", "按时接单", "taken on time", "accepted or returned within the stage limit, every time",
          _stage(S.DISPATCHED, in_time=True)),
    _flag("need_check", "应核查", "to be checked", "the checker's turn is over, or its limit", _stage(S.CHECKING, in_time=False)),
    _flag("intime_check", "按时核查", "checked on time", "within the stage limit, every time", _stage(S.CHECKING, in_time=True)),
    _flag("need_archive", "应审结", "to be decided on", "the shift lead's turn to close is over, or its limit",
          _stage(S.CHECKED, in_time=False)),
    _flag("intime_archive", "按时审结", "decided on time", "closed or sent back within the stage limit, every time",
          _stage(S.CHECKED, in_time=True)),
)
# fmt: on

BIT: dict[str, int] = {flag.key: 1 << at for at, flag in enumerate(FLAGS)}
STAGE_FLAGS: dict[str, str] = {
    S.REPORTED: "accept",
    S.VERIFYING: "verify",
    S.FILED: "dispatch",
    DISPUTE: "arbitrate",
    S.DISPATCHED: "take",
    S.CHECKING: "check",
    S.CHECKED: "archive",
}


def bits(keys: Iterable[str]) -> int:
    """The number with these flags set. Raises KeyError for a name that is no flag."""
    number = 0
    for key in keys:
        number |= BIT[key]
    return number


def names(number: int) -> list[str]:
    """The flags that a number has set."""
    return [flag.key for flag in FLAGS if number & BIT[flag.key]]


IN_TIME, LATE = bits(["intime_handle", "intime_close"]), bits(["overtime_handle", "overtime_close"])
_HANDLED, _CLOSED, _UPHELD = BIT["handled"], BIT["closed"], BIT["appeal_upheld"]
_DUE = bits(["need_close"])
_DUE_DISPATCHED = bits(["need_close", "need_handle", "overtime_handle"])


def adjusted(number: int) -> int:
    """The flags once an upheld appeal is heard: what was late counts as on time; every other case as it is (DOMAIN.md, appeal)."""
    if not number & _UPHELD:
        return number
    on_time = (number & _HANDLED and BIT["intime_handle"]) | (number & _CLOSED and BIT["intime_close"])
    return (number | on_time) & ~LATE


class Later(NamedTuple):
    """What a moment that passes without a fact changes: `change` is added to the flags' number, bits that come true less bits that cease.

    The three that a case may have touch different bits, so that they add up in any order, in SQL too.
    """

    after_ms: int | None
    change: int


class Standing(NamedTuple):
    """A case's flags as its facts leave them, and those that time will add: its limit, its stage's limit, its suspension's age."""

    flags: int
    due: Later
    stage: Later
    stock: Later


NEVER = Later(None, 0)


def standing(sheet: Sheet, limits: Mapping[str, int]) -> Standing:
    """The flags of a sheet; `limits` are those of the stages (`evaluation.stage_limits`)."""
    number = 0
    for flag in () if sheet.category in OUTSIDE_INDICATORS else FLAGS:
        if flag.holds(sheet):
            number |= BIT[flag.key]
    return Standing(number, _due(sheet, number), _stage_due(sheet, limits, number), _stock(sheet, number))


def flags_at(case: Standing, at_ms: int) -> int:
    """The flags that hold at a moment not before the sheet's last fact."""
    number = case.flags
    for later in case[1:]:
        if later.after_ms is not None and later.after_ms < at_ms:
            number += later.change
    return number


def _due(sheet: Sheet, number: int) -> Later:
    if sheet.state not in RUNNING or sheet.due_ms is None or sheet.came_due_ms is not None or not number & BIT["filed"]:
        return NEVER
    more = BIT["hotline_due"] if number & BIT["hotline"] else 0
    return Later(sheet.due_ms, more | (_DUE_DISPATCHED if number & BIT["dispatched"] else _DUE))


def _stage_due(sheet: Sheet, limits: Mapping[str, int], number: int) -> Later:
    limit = limits.get(sheet.stage)
    if limit is None or not number & BIT["report"]:
        return NEVER
    stage = STAGE_FLAGS[sheet.stage]
    need, in_time = BIT[f"need_{stage}"], BIT[f"intime_{stage}"]
    return Later(sheet.entered_ms + limit, (0 if number & need else need) - (number & in_time))


def _stock(sheet: Sheet, number: int) -> Later:
    return (
        NEVER
        if sheet.suspended_ms is None or not number & BIT["suspended"]
        else Later(sheet.suspended_ms + STOCK_AFTER_MS, BIT["suspended_stock"])
    )

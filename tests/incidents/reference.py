"""A second, plain state machine of a case, written from DOMAIN.md and ARCHITECTURE.md §2 alone: what the product's is held to.

It shares no code with `incidents.transitions`, guards, effects or clocks: ways and roles are written out, time is counted stretch by
stretch of working time. It knows one case, judges one command at a time, and says yes or no; reasons are the product's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

ENDED = {"closed", "not_filed", "void", "merged"}
OPEN = {"held", "reported", "verifying", "filed", "dispatched", "handling", "checking", "checked", "suspended"}
DESK = {"acceptor", "shift_lead", "dispatcher"}
WORKERS = {"collector", "checker"} | DESK
EVERYBODY = WORKERS | {"unit", "arbiter", "leader", "resident", "system"}
LEVELS = ("city", "district", "subdistrict")
UNITS = {"clean-1": "district", "clean-2": "district", "clean-city": "city", "police": "city"}
CHINA = timezone(timedelta(hours=8))

WAYS: dict[str, tuple[set[str], str, set[str]]] = {  # command: out of, to ("=" stays), who
    "confirm": ({"held"}, "reported", {"collector", "acceptor", "shift_lead", "system"}),
    "verify": ({"reported"}, "verifying", {"acceptor", "shift_lead", "system"}),
    "found": ({"verifying"}, "reported", {"collector"}),
    "not_found": ({"verifying"}, "not_filed", {"collector"}),
    "file": ({"reported"}, "filed", {"shift_lead", "system"}),
    "not_file": ({"reported"}, "not_filed", {"shift_lead"}),
    "not_accept": ({"reported"}, "not_filed", {"acceptor"}),
    "void": ({"reported", "filed"}, "void", {"shift_lead"}),
    "dispatch": ({"filed"}, "dispatched", {"dispatcher", "system"}),
    "arbitrate": ({"filed"}, "dispatched", {"arbiter"}),
    "accept": ({"dispatched"}, "handling", {"unit"}),
    "return": ({"dispatched", "handling"}, "filed", {"unit"}),
    "report_handled": ({"handling"}, "checking", {"unit"}),
    "request_extension": ({"handling"}, "=", {"unit"}),
    "grant_extension": ({"handling"}, "=", {"dispatcher"}),
    "deny_extension": ({"handling"}, "=", {"dispatcher"}),
    "request_suspension": ({"handling"}, "=", {"unit"}),
    "grant_suspension": ({"handling"}, "suspended", {"dispatcher"}),
    "deny_suspension": ({"handling"}, "=", {"dispatcher"}),
    "resume": ({"suspended"}, "handling", {"dispatcher"}),
    "pass_check": ({"checking"}, "checked", {"checker", "collector"}),
    "fail_check": ({"checking", "checked"}, "handling", {"checker", "collector", "shift_lead"}),
    "close": ({"checked"}, "closed", {"shift_lead"}),
    "reopen": ({"closed", "not_filed", "void"}, "?", {"resident", "shift_lead"}),
    "rate": ({"closed"}, "=", {"resident", "acceptor"}),
    "appeal": ({"closed"}, "=", {"unit"}),
    "decide_appeal": ({"closed"}, "=", {"dispatcher", "acceptor"}),
    "unmerge": ({"merged"}, "?", DESK),
    "supervise": (OPEN, "=", {"leader"}),
    "note": (OPEN, "=", EVERYBODY),
    "transfer": (OPEN, "filed", {"shift_lead", "dispatcher"}),
    "merge": (OPEN - {"checked"}, "merged", DESK),
    "withdraw": (OPEN, "=", {"resident", "acceptor"}),
}
COUNTED = ("returns", "reworks", "reopened", "suspensions", "supervised")
NEED_REASON = {"not_file", "not_accept", "void", "return", "fail_check", "reopen"}


@dataclass
class Reference:
    """One case. `works` says whether its limit counts working hours (08–12, 14–18 Monday to Friday) or all hours."""

    works: bool
    limit: timedelta
    state: str = "reported"
    level: str = "district"
    instant: bool = False
    auto: bool = False
    reporter: str | None = None
    unit: str | None = None
    assisting: set[str] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    helped: dict[str, str] = field(default_factory=dict)  # person: unit
    handler: str | None = None
    returned: list[str] = field(default_factory=list)
    decided: str | None = None
    asked: set[str] = field(default_factory=set)
    unanswered: bool = False
    appealed: str = ""  # "", open, agreed by one, over
    before: str = ""
    began: datetime | None = None
    pause: datetime | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    overdue: bool = False
    ended: datetime | None = None
    extensions: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("returns", "reworks", "reopened", "suspensions", "supervised"), 0)
    )

    # --- time

    def due(self) -> datetime | None:
        """When the limit, so often extended, is used up by time that counts."""
        if self.began is None:
            return None
        left = self.limit * (1 + self.extensions)
        for begin, end in self._counting(self.began):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise AssertionError("the calendar ends")

    def _counting(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of time that counts from `at` on, pauses cut out."""
        for begin, end in _stretches(at) if self.works else [(at, at + timedelta(days=4000))]:
            start = begin
            for paused, resumed in self.pauses:
                if paused < end and resumed > start:
                    if paused > start:
                        yield start, paused
                    start = min(resumed, end)
            if start < end:
                yield start, end

    # --- may it, and what then

    def may(self, command: str, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        """Whether this role and person may give this command now."""
        starts, _, roles = WAYS[command]
        if self.state not in starts or role not in roles:
            return False
        if command in NEED_REASON and not said.get("reason"):
            return False
        check = getattr(self, f"_may_{command}", None)
        return check is None or bool(check(role, actor, said, at))

    def _may_found(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return bool(said.get("evidence") or said.get("note"))

    def _may_dispatch(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        unit = said.get("unit")
        if self.decided is not None:
            return bool(unit == self.decided)
        return len(set(self.returned)) < 2 and unit in UNITS and unit not in self.returned

    def _may_arbitrate(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return len(set(self.returned)) >= 2 and said.get("unit") in UNITS

    def _own(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return bool(said["as"] == self.unit)

    _may_accept = _may_return = _own

    def _may_report_handled(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        helper = said["as"] in self.assisting and said["as"] != self.unit
        ready = self._own(role, actor, said, at) and self.owed <= {*self.helped.values()}
        return (helper or ready) and bool(said.get("evidence") or (self.instant and (said.get("note") or said.get("reason"))))

    def _may_request_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return self._own(role, actor, said, at) and "extension" not in self.asked and self._extendable(at)

    def _may_grant_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return "extension" in self.asked and self._extendable(at)

    def _extendable(self, at: datetime) -> bool:
        due = self.due()
        return due is not None and at < due and not self.overdue and self.extensions < 2

    def _may_deny_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return "extension" in self.asked

    def _may_request_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return self._own(role, actor, said, at) and not self.counts["suspensions"] and "suspension" not in self.asked

    def _may_grant_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return "suspension" in self.asked and not self.counts["suspensions"]

    def _may_deny_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return "suspension" in self.asked

    def _may_pass_check(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        shown = said.get("evidence") or (self.instant and (said.get("note") or said.get("reason")))
        return self._other(role, actor, said, at) and bool(shown)

    def _other(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return actor not in {self.handler, *self.helped} and said["as"] not in {self.unit, *self.helped.values()}

    _may_fail_check = _other

    def _may_close(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return self._other(role, actor, said, at) and not self.unanswered

    def _may_reopen(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        in_time = self.state != "closed" or (self.ended is not None and at <= self.ended + timedelta(days=7))
        return in_time and self._reporter(role, actor)

    def _reporter(self, role: str, actor: str) -> bool:
        return role != "resident" or (self.reporter is not None and actor == self.reporter)

    def _may_rate(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return said.get("rating") in range(1, 6) and self._reporter(role, actor)

    def _may_withdraw(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return self.reporter is not None and self._reporter(role, actor)

    def _may_appeal(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return not self.appealed and self._own(role, actor, said, at)

    def _may_decide_appeal(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return self.appealed not in ("", "over", role) and said.get("upheld") is not None

    def _may_note(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        return bool(said.get("note"))

    def _may_supervise(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        its = UNITS.get(said["as"] or "")
        return its is None or its == LEVELS[0] or LEVELS.index(its) < LEVELS.index(self.level)

    def _may_transfer(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        level = said.get("level")
        down = level in LEVELS and LEVELS.index(level) > LEVELS.index(self.level)
        return level in LEVELS and level != self.level and not (self.state == "filed" and bool(self.returned) and down)

    def _may_merge(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> bool:
        target = said.get("target") or {}
        return target.get("state") in OPEN and bool(target.get("granted", True))

    def take(self, command: str, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        """It was given: what the case is then."""
        to = WAYS[command][1]
        was = self.state
        if command == "report_handled" and said["as"] != self.unit:
            self.helped[actor] = said["as"]
            return
        getattr(self, f"_take_{command}", lambda *_: None)(role, actor, said, at)
        if to not in "=?":
            self.state = to
        if command == "pass_check" and self.auto and not self.unanswered:
            self.state = "closed"
        if self.state != was and was == "handling":
            self.asked.clear()
        if self.state in ENDED and was not in ENDED:
            self.ended = at

    def _begin(self, at: datetime) -> None:
        self.began, self.extensions, self.pauses, self.overdue = at, 0, [], False

    def _free(self) -> None:
        self.unit, self.assisting, self.owed, self.helped, self.handler = None, set(), set(), {}, None

    def _take_file(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self._begin(at)

    def _take_dispatch(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.unit, self.assisting, self.helped = said["unit"], set(said.get("assisting", ())), {}
        self.owed = set() if role == "system" else self.assisting - {said["unit"]}
        self.level = UNITS[said["unit"]]

    def _take_arbitrate(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self._take_dispatch(role, actor, said, at)
        self.decided = said["unit"]

    def _take_return(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.returned.append(str(self.unit))
        self.counts["returns"] += 1
        self.decided = None
        self._free()

    def _take_report_handled(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.handler = actor

    def _take_request_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.asked.add("extension")

    def _take_grant_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.asked.discard("extension")
        self.extensions += 1

    def _take_deny_extension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.asked.discard("extension")

    def _take_request_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.asked.add("suspension")

    def _take_deny_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.asked.discard("suspension")

    def _take_grant_suspension(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.counts["suspensions"] += 1
        self.pause = at

    def _take_resume(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.resume(at)

    def resume(self, at: datetime) -> None:
        """The pause is over: it counts only as far as the limit still ran when it began."""
        due, begun = self.due(), self.pause
        self.pause = None
        if begun is not None and due is not None and begun < due:
            self.pauses.append((begun, at))

    def _take_fail_check(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.counts["reworks"] += 1
        self.handler = None

    def _take_reopen(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.counts["reopened"] += 1
        if self.state == "closed":
            self._free()
            self._begin(at)
            self.state = "filed"
        else:
            self.state = "reported"

    def _take_appeal(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.appealed = "open"

    def _take_decide_appeal(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.appealed = "over" if not said["upheld"] or self.appealed != "open" else role

    def _take_unmerge(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.state = self.before

    def _take_merge(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.before = self.state

    def _take_supervise(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.counts["supervised"] += 1

    def _take_note(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        self.unanswered = role == "leader" or (self.unanswered and role in ("resident", "system"))

    def _take_transfer(self, role: str, actor: str, said: dict[str, Any], at: datetime) -> None:
        if self.pause is not None:
            self.resume(at)
        if self.began is None:
            self._begin(at)
        self._free()
        self.level = said["level"]


def _stretches(at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Working time from `at` on, stretch by stretch."""
    day = at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(4000):
        midnight = day + timedelta(days=number)
        if midnight.weekday() < 5:
            for begin, end in ((8, 12), (14, 18)):
                start, stop = midnight + timedelta(hours=begin), midnight + timedelta(hours=end)
                if stop > at:
                    yield max(start, at), stop

"""What a console tells of notices on a day when not all is well, made by the console's own shapes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.deliveries import Attempt, Delivery, Standing, State, TargetStanding
from adapters.hook_state import Explained
from console.hook_views import HooksView, NoticesView, RuleView, delivery_view, notice_view, queue_view, silence_view, target_views
from incidents.hooks import Hooks, TargetRow
from incidents.notice_rules import BoardRules
from incidents.notice_tree import Node, Options
from incidents.notices import Alert, Notice
from incidents.silences import KeptSilence, Repeats

Json = dict[str, Any]
NUMBER = "QD-20261121-14YNDD4W6Y"
OTHER = "QD-20261121-7HBX02C9QT"
ROWS = {
    "emergency": (
        TargetRow("emergency/webhook/1", "webhook", None, urgent=True, fallback=("chat/dingtalk/1",)),
        TargetRow("emergency/sms/2", "sms", None, urgent=True),
    ),
    "chat": (TargetRow("chat/dingtalk/1", "dingtalk", None),),
    "monitoring": (TargetRow("monitoring/alertmanager/1", "alertmanager", None),),
}
HOOKS = Hooks(BoardRules(Node("0", Options(receiver="chat")), {}), ROWS)


def ms(at: datetime) -> int:
    """As the queue has it."""
    return int(at.timestamp() * 1000)


def delivery(target: str, state: State, at: datetime, *tried: Attempt, drill: bool = False, fact: str | None = None) -> Delivery:
    """A message about two cases."""
    alerts = tuple(Alert(fingerprint=each, labels={"case_id": each}, starts_at=at) for each in (NUMBER, OTHER))
    reason = fact or "new alerts in group"
    notice = Notice(
        id="n_1", group_key="g", receiver="r", reason=reason, alerts=alerts, status="firing", at=at, sequence=1, drill=drill, fact=fact
    )
    ended = ms(at) + 5000 if state is State.DEAD else None
    return Delivery(f"n_1@{target}", target, "g", 1, state, ms(at), len(tried), tried, notice, ended)


def a_bad_day(now: datetime | None = None) -> tuple[Json, Json]:
    """The answers of /hooks and of a case's notices."""
    at = (now or datetime.now(UTC)) - timedelta(minutes=7)
    late = Attempt(at=at, seconds=15.0, outcome="retry", reason="contextDeadlineExceeded", detail="no answer within 15 s")
    gone = Attempt(at=at, seconds=0.1, outcome="gone", reason="clientError", status=410, detail="HTTP 410")
    dead = [delivery("emergency/sms/2", State.DEAD, at, late, gone), delivery("chat/dingtalk/1", State.DEAD, at, late, fact="case.filed")]
    waiting = [delivery("emergency/webhook/1", State.WAITING, at, late, late, late, drill=True)]
    known = [
        TargetStanding("emergency/webhook/1", 1, 7, ms(at), ms(at) + 60_000),
        TargetStanding("emergency/sms/2", 0, 0, None, None, "said 410: HTTP 410"),
        TargetStanding("chat/dingtalk/1", 12, 2, ms(at)),
        TargetStanding("duty/wang.fang/sms/urgent"),
    ]
    night = KeptSilence(
        id="1",
        matchers=('district="370202"', "category=~road.*"),
        starts_at=at,
        ends_at=at + timedelta(hours=2),
        owner="wang.fang",
        comment="山东路铣刨罩面施工",
        updated_at=at,
        repeats=Repeats.DAILY,
        until=at + timedelta(days=7),
    )
    rules = [
        RuleView(rule="{}", kind="node", receiver="chat", matchers=[], times=420, last_at=at),
        RuleView(
            rule='{}/{severity="emergency"}', kind="node", receiver="emergency", matchers=['severity="emergency"'], times=3, last_at=at
        ),
        RuleView(
            rule="burst_main",
            kind="inhibition",
            receiver=None,
            matchers=['category="water_main_burst"', "⊣", 'category="standing_water"'],
            times=0,
            last_at=None,
        ),
    ]
    told = HooksView(
        configured=True,
        ready=True,
        dispatching=True,
        queue=queue_view(Standing(13, 0, 2, 1, ms(at), None)),
        targets=target_views(HOOKS, known),
        rules=rules,
        silences=[silence_view(night, at)],
        dead=[delivery_view(each) for each in dead],
        waiting=[delivery_view(each) for each in waiting],
    )
    why = [
        Explained(at=at, receiver="chat", node="0", group="g", reason="muted", why="the interval `night` mutes this node until 07:00"),
        Explained(at=at, receiver="emergency", node="0/0", group="g", reason="first notification", why="1 fires", notice="n_1"),
    ]
    notices = NoticesView(notices=[notice_view(why[0], []), notice_view(why[1], [waiting[0], dead[0]])])
    return told.model_dump(mode="json"), notices.model_dump(mode="json")

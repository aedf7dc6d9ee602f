"""Notices as the board makes them, and as nobody should: long, many, full of what must not leave."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from config.load import load_folder
from handlers.channel import Outgoing, Target, channels
from handlers.words import Words, words_of
from incidents.notices import Alert, Notice

AT = datetime(2026, 11, 23, 19, 4, 5, tzinfo=UTC)
QINGDAO = Path(__file__).parents[3] / "config" / "cities" / "qingdao"
CONSOLE = "https://ops.example.gov.cn"


@cache
def words() -> Words:
    """Qingdao's."""
    return words_of(load_folder(QINGDAO), CONSOLE)


def alert(number: int = 1, ended: bool = False, labels: Mapping[str, str] | None = None, **annotations: str) -> Alert:
    """A burst main in Shinan, dispatched, due at 04:30 in the city."""
    told = {
        "state": "closed" if ended else "dispatched",
        "unit": "water_supply-city",
        "level": "district",
        "overdue": "false",
        "condition": "flowing",
        "due_at": "2026-11-23T20:30:00+00:00",
        "address": "香港中路10号3号楼2单元501室张女士",
        "lon": "120.38",
        "lat": "36.06",
    }
    return Alert(
        fingerprint=f"{number:016x}",
        labels={
            "city": "qingdao",
            "category": "water_main_burst",
            "domain": "emergencies",
            "district": "370202",
            "subdistrict": "370202001",
            "channel": "hotline",
            "severity": "emergency",
            "case_id": f"QD-20261123-{number:06d}",
        }
        | dict(labels or {}),
        annotations=told | annotations,
        starts_at=AT - timedelta(minutes=34),
        ends_at=AT if ended else None,
        sequence=7,
    )


def notice(*alerts: Alert, **changes: object) -> Notice:
    """A first notice of a group."""
    told = alerts or (alert(),)
    firing = any(each.ends_at is None for each in told)
    values: dict[str, object] = {
        "id": "n_0123456789abcdef",
        "group_key": '{}/{severity="emergency"}:{district="370202"}',
        "group_labels": {"district": "370202"},
        "receiver": "duty",
        "reason": "first notification",
        "alerts": told,
        "status": "firing" if firing else "resolved",
        "at": AT,
        "sequence": 3,
    }
    return Notice.model_validate(values | changes)


def fact(kind: str = "escalated", **changes: object) -> Notice:
    """One fact of a case, as a subscription gets it."""
    case = alert(overdue="true", escalated_to="city", acknowledged="false")
    return notice(case, id="QD_1_7_s", group_key="QD-1", reason=f"case.{kind}", fact=f"case.{kind}", sequence=7, group_labels={}, **changes)


def operational() -> Notice:
    """A target that fails."""
    labels = {"target": "duty/webhook/0", "detail": "HTTP 503"}
    return notice(alert(), alerts=(), group_labels=labels, fact="endpoint.failing", reason="endpoint.failing")


def target(kind: str, secrets: tuple[str, ...] = (), links: Mapping[str, str] | None = None, **settings: Any) -> Target:
    """A target of a kind, its settings as they stand in hooks.toml."""
    made: BaseModel = channels()[kind].settings.model_validate(settings)
    return Target(f"duty/{kind}/0", kind, made, secrets=secrets, words=words(), links=dict(links or {}))


def sent(kind: str, notice: Notice, target: Target, at: datetime = AT) -> Outgoing:
    """What a channel makes of it."""
    return channels()[kind].requests(notice, target, at)

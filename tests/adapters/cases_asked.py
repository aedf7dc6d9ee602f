"""A dozen cases of every state and of several scopes, for tests of what the console asks of cases."""

from datetime import timedelta
from typing import Any

from adapters.case_filter import Filter
from adapters.case_query import CaseQuery
from config.load import load_city
from config.settings import Settings
from incidents.commands import Place
from incidents.events import CaseId
from incidents.rights import EVERYTHING, Scope
from incidents.vocabulary import Channel, HeldBecause, Severity, State
from tests.adapters.test_case_tables import told
from tests.streams.fact_agents import AT

CITY = load_city(Settings())
NOW = AT + timedelta(hours=3)
STREET = "370202001"
A_UNIT = Scope(unit="police-city")


def placed(district: str | None = "370202", lon: float = 120.38, lat: float = 36.07, **more: Any) -> Place:
    return Place(lon=lon, lat=lat, accuracy_m=15, district=district, **more)


def a_case(number: int, **changes: Any) -> Any:
    """A fact of a case that was opened `number` minutes after AT."""
    return told(number, 1, **{"opened_at": AT + timedelta(minutes=number), **changes})


CASES: dict[int, dict[str, Any]] = {
    1: {
        "state": State.REPORTED,
        "place": placed(address="延安三路 88 号", grid="g1", subdistrict=STREET),
        "description": "路面有遗撒的渣土",
    },
    2: {"state": State.HELD, "held_because": HeldBecause.WAITING, "category": "exposed_waste"},
    3: {"state": State.HELD, "held_because": HeldBecause.SHADOW},
    4: {
        "state": State.FILED,
        "due_at": NOW - timedelta(minutes=1),
        "severity": Severity.EMERGENCY,
        "place": placed("370203", 120.40, 36.08),
    },
    5: {
        "state": State.DISPATCHED,
        "due_at": NOW + timedelta(hours=1),
        "unit": "sanitation-370202",
        "assisting": ("police-city",),
        "place": placed(subdistrict=STREET),
    },
    6: {"state": State.HANDLING, "unit": "police-city", "due_at": NOW, "channel": Channel.HOTLINE, "source": "/hotline"},
    7: {"state": State.SUSPENDED, "unit": "police-city", "due_at": NOW - timedelta(days=1), "place": placed("370203")},
    8: {"state": State.CHECKING, "due_at": NOW - timedelta(hours=1), "overdue": True},
    9: {"state": State.CHECKED, "due_at": NOW - timedelta(hours=1), "description": "Broken manhole near Yan'an Road"},
    10: {"state": State.CLOSED, "overdue": True, "ended_at": NOW, "place": placed(None)},
    11: {"state": State.VOID, "ended_at": NOW, "place": placed("370203", subdistrict="370203005"), "severity": Severity.MAJOR},
    12: {"state": State.VERIFYING, "severity": Severity.MINOR, "place": placed(lon=120.3805, lat=36.0703)},
}


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["case_id"][-10:]) for row in rows]


def found(query: CaseQuery, scope: Scope = EVERYTHING, **filters: Any) -> set[int]:
    return set(numbers(query.cases(scope, Filter(**filters)).rows))


def id_of(number: int) -> CaseId:
    return CaseId(f"QD-20261121-{number:010}")

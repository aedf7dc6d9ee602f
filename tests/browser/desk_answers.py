"""What a `Desk` answers about its cases: the shapes of `console.views`, made of the cases themselves."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.actions import actions
from incidents.case import Case
from incidents.commands import Statement
from incidents.deadline_story import explain
from incidents.masking import masked
from incidents.places import distance_m
from incidents.steps.routing import unfiled_because
from tests.browser.standin_city import iso
from tests.incidents.reporting import qingdao

if TYPE_CHECKING:
    from tests.browser.desk import Desk

Json = dict[str, Any]
OF_CASE = (
    *("case_id", "state", "category", "condition", "severity", "channel", "unit", "assisting", "level", "opened_at", "first_seen"),
    *("last_seen", "filed_at", "dispatched_at", "accepted_at", "handled_at", "ended_at", "entered_at", "due_at", "overdue"),
    *("held_because", "sequence", "revision", "confidence", "algorithm", "merged_into"),
)
OF_PLACE = ("district", "subdistrict", "community", "grid", "lon", "lat", "address")
WAITING = {"unit": ("dispatched", "handling"), "collector": ("verifying", "checking"), "checker": ("checking",)}
"""Where a case waits for a role."""


def row(case: Case) -> Json:
    """A CaseRow."""
    known = case.model_dump(mode="json")
    picture = next((each.sha256 for each in case.evidence if each.sha256), None)
    counted = {"stage_due_at": None, "count": case.count, "sources": len(case.totals), "picture": picture}
    return {name: known[name] for name in OF_CASE} | {name: known["place"][name] for name in OF_PLACE} | counted


def view(desk: "Desk", case: Case) -> Json:
    """`GET /cases/{id}`."""
    story, cases = explain(desk.city, case), desk.cases
    by = {"id": "acceptor", "role": "acceptor", "unit": None}
    merged = [cases[each] for each in case.merged_from if each in cases]
    return {
        "case": masked(case.model_dump(mode="json")),
        "row": row(case),
        "actions": offered(desk, case),
        "deadline": story.model_dump(mode="json") if story else None,
        "unfiled": unfiled_because(desk.city, case, desk.now),
        "merged": [{"row": row(each), "at": iso(desk.now), "actor": by, "reason": "same_place 12 m"} for each in merged],
        "suggestions": [near(case, cases[each]) for each in case.suggested if each in cases],
        "reports": _reports(case),
        "presence": desk.presence,
    }


def _reports(case: Case) -> list[Json]:
    spoken: dict[str, Statement] = {statement.source: statement for statement in case.statements}
    return [
        {
            "source": source,
            "count": total.count,
            "first": iso(total.first),
            "last": iso(total.last),
            "channel": spoken[source].channel if source in spoken else case.channel,
            "reason": case.reason if source == case.source else "same_place 12 m 340 s",
            "statement": masked(spoken[source].model_dump(mode="json")) if source in spoken else None,
        }
        for source, total in case.totals.items()
    ]


def offered(desk: "Desk", case: Case) -> list[Json]:
    """What the signed-in person may do with it."""
    found = actions(desk.city, case, desk.actor, desk.now)
    return [{"command": each.command, "needs": list(each.needs), "reason_required": each.reason_required} for each in found]


def near(case: Case, other: Case) -> Json:
    """A suggestion."""
    minutes = abs((case.first_seen - other.first_seen).total_seconds()) / 60
    metres = distance_m(case.place.lon, case.place.lat, other.place.lon, other.place.lat)
    return {"row": row(other), "distance_m": round(metres), "minutes": round(minutes), "score": None}


def tasks(desk: "Desk") -> list[Json]:
    """`GET /tasks`: what waits for the signed-in role."""
    role, unit = desk.person["role"], desk.person["unit"]
    found = [case for case in desk.cases.values() if case.state in WAITING.get(role, ()) and (role != "unit" or case.unit == unit)]
    found.sort(key=lambda case: case.due_at or datetime.max.replace(tzinfo=UTC))
    return [row(case) | {"why": _why(case), "closing_condition": _closing(desk, case), "actions": offered(desk, case)} for case in found]


def _why(case: Case) -> Json | None:
    return {"zh": case.grounds.zh, "en": case.grounds.en} if case.grounds else None


def _closing(desk: "Desk", case: Case) -> Json:
    return desk.city.catalogue[case.category].closing_condition.model_dump()


def district(code: str, at: tuple[float, float]) -> Json:
    """A square around a point, as `GET /districts` has it."""
    (lon, lat), half = at, 0.05
    ring = [
        [lon - half, lat - half],
        [lon + half, lat - half],
        [lon + half, lat + half],
        [lon - half, lat + half],
        [lon - half, lat - half],
    ]
    name = next(district.name for district in qingdao().districts if district.code == code)
    properties = {"code": code, "label": list(at), "zh": name.zh, "en": name.en}
    return {"type": "Feature", "id": code, "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}

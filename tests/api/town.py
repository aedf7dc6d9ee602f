"""A town of two districts for tests of the API: cases in each, moved by the real state machine and kept in the console's tables."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.case_keeper import CaseTables
from adapters.case_rows import read_fact
from adapters.database import Database
from incidents.audit import Span
from incidents.case import Fact
from incidents.catalogue import City
from incidents.commands import Actor, Place, SourceTotal
from incidents.events import CaseId
from incidents.facts import encode_fact
from incidents.vocabulary import Role
from tests.incidents.closing import PHOTO, Desk, opening, sight

A, B = "370202", "370203"
STREET_A, STREET_B = "370202001", "370202002"
SPOT = {A: (120.3826, 36.0671), B: (120.3745, 36.0876), STREET_A: (120.3826, 36.0671), STREET_B: (120.3645, 36.0571)}
UNIT = {A: "sanitation-370202", B: "sanitation-370203", STREET_A: "sanitation-370202", STREET_B: "landscaping-370202"}
NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
"""What the served console's clock says."""
WAY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("file", "system", {}),
    ("dispatch", "system", {}),
    ("accept", "unit", {}),
    ("report_handled", "unit", {"evidence": PHOTO}),
)
STATES = ("reported", "filed", "dispatched", "handling", "checking")


def place_of(side: str) -> dict[str, str]:
    """The codes of a place whose people are kept apart from others: a district, or a subdistrict of one."""
    return {"district": side[: len(A)]} | ({"subdistrict": side} if len(side) > len(A) else {})


def side_of(place: Place) -> str | None:
    """The other way round."""
    return place.subdistrict or place.district


class Town:
    """Cases by id, with their facts as the log has them."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.desks: dict[str, Desk] = {}

    def case(self, number: int, side: str, state: str = "handling", minutes: int = 60, **opened: Any) -> CaseId:
        """A spillage in this district or subdistrict, opened so many minutes ago and brought to a state; its id."""
        case_id = CaseId(f"QD-20261121-{number:010}")
        desk = self.desks[case_id] = Desk(self.city)
        desk.now = NOW - timedelta(minutes=minutes)
        lon, lat = SPOT[side]
        place = {"lon": lon + number / 10_000, "lat": lat, "accuracy_m": 15, **place_of(side), **opened.pop("place", {})}
        seen = {"category": "road_spillage", "time": desk.now, "source": f"/cameras/{number}", "place": Place.model_validate(place)}
        first = SourceTotal(first=desk.now, last=desk.now, count=1, topic_id="t1", partition=0, offset=number)
        desk.take(sight(totals={f"/cameras/{number}": first}, opening=opening(**{**seen, **opened}), case_id=case_id))
        for command, role, arguments in WAY[: STATES.index(state)]:
            given = {"unit": UNIT[side]} if command == "dispatch" else {}
            self.do(case_id, command, role, **arguments, **given)
        return case_id

    def do(self, case_id: str, command: str, role: str, **arguments: Any) -> None:
        """Somebody acts, and it is accepted; a unit's person for the case's unit."""
        desk = self.desks[case_id]
        actor = Actor(id=f"{role}-1", role=Role(role), unit=desk.open.unit if role == "unit" else None)
        desk.must(command, actor if role != "system" else role, case_id=case_id, **arguments)

    @property
    def facts(self) -> Iterable[Fact]:
        """All of them, each case's in order."""
        return (fact for desk in self.desks.values() for fact in desk.facts)

    def keep(self, database: Database) -> None:
        """Into the tables, as the projection does."""
        tables = CaseTables(database)
        tables.prepare("t1", {0: Span(0, 0)})
        tables.take([read_fact(encode_fact(fact), 0, offset) for offset, fact in enumerate(self.facts)])

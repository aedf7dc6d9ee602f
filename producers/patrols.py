"""Patrol vehicles and drones of a simulated city: units with a `home` drive about it and say where they are; busy, they are at the case.

A pure decision like the rest of the city's people: where a unit is follows from its key and the time, what it does from the facts.
"""

import math
import zlib
from datetime import datetime, timedelta

from incidents.case import Fact
from incidents.catalogue import City, Unit
from incidents.events import CaseId, epoch_ms
from incidents.places import from_plane, to_plane
from incidents.positions import UnitPosition, UnitState
from incidents.vocabulary import State

EVERY = timedelta(minutes=1)
BEAT_M = 800.0
ROUND = timedelta(minutes=20)
AT_WORK = (State.DISPATCHED, State.HANDLING)


class Patrols:
    """All of a city; empty where no unit has a home."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._units = {unit.key: unit for unit in city.units if unit.home is not None}
        self._busy: dict[CaseId, tuple[str, float, float]] = {}
        self._told: datetime | None = None

    def hear(self, fact: Fact) -> None:
        """Whoever leads a case is there until it has handled it."""
        case = fact.case
        if case.unit in self._units and case.state in AT_WORK:
            self._busy[case.case_id] = (case.unit or "", case.place.lon, case.place.lat)
        else:
            self._busy.pop(case.case_id, None)

    def due(self, now: datetime) -> list[UnitPosition]:
        """What all say now, once a minute of the city's time."""
        if not self._units or (self._told is not None and now - self._told < EVERY):
            return []
        self._told = now
        at_work = {unit: (case_id, lon, lat) for case_id, (unit, lon, lat) in self._busy.items()}
        return [self._says(unit, now, at_work.get(unit.key)) for unit in self._units.values()]

    def _says(self, unit: Unit, now: datetime, busy: tuple[CaseId, float, float] | None) -> UnitPosition:
        if busy is not None:
            case_id, lon, lat = busy
            return UnitPosition(unit=unit.key, state=UnitState.BUSY, at=now, lon=lon, lat=lat, case_id=case_id)
        lon, lat = self._on_the_beat(unit, now)
        return UnitPosition(unit=unit.key, state=UnitState.AVAILABLE, at=now, lon=lon, lat=lat)

    def _on_the_beat(self, unit: Unit, now: datetime) -> tuple[float, float]:
        x, y = to_plane(self._city.bounds, *(unit.home or (0.0, 0.0)))
        angle = math.tau * (epoch_ms(now) / (ROUND / timedelta(milliseconds=1)) + zlib.crc32(unit.key.encode()) / 2**32)
        return from_plane(self._city.bounds, x + BEAT_M * math.cos(angle), y + BEAT_M * math.sin(angle))

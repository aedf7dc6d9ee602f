"""Patrols of a simulated city: on their beat while free, at the case while busy, and heard once a minute."""

from datetime import timedelta

from config.load import load_city
from config.settings import Settings
from incidents.case import Fact
from incidents.places import distance_m
from incidents.positions import UnitState, decode_position, encode_position
from incidents.vocabulary import FactType, State
from producers.patrols import BEAT_M, Patrols
from tests.streams.fact_agents import AT, a_fact

CITY = load_city(Settings())
CAR = CITY.unit_by_key["patrol-370214-1"]


def led(state: State, sequence: int) -> Fact:
    """A fact of a case that Chengyang's first vehicle leads."""
    fact = a_fact(sequence=sequence, fact=FactType.UPDATED, state=state)
    return fact.model_copy(update={"case": fact.case.model_copy(update={"unit": CAR.key})})


def test_two_vehicles_and_a_drone_drive_about_their_home_and_speak_once_a_minute() -> None:
    patrols = Patrols(CITY)
    told = patrols.due(AT)
    assert [each.unit for each in told] == ["patrol-370214-1", "patrol-370214-2", "drone-370214-1"]
    assert patrols.due(AT + timedelta(seconds=59)) == []
    moved = patrols.due(AT + timedelta(minutes=5))
    assert moved != told
    for each in [*told, *moved]:
        home = CITY.unit_by_key[each.unit].home
        assert home is not None
        assert abs(distance_m(*home, each.lon, each.lat) - BEAT_M) < 0.02 * BEAT_M
        assert each.state is UnitState.AVAILABLE
        assert decode_position(encode_position(each, CITY), CITY).unit == each.unit


def test_a_vehicle_is_at_its_case_until_it_has_handled_it() -> None:
    patrols = Patrols(CITY)
    patrols.hear(led(State.HANDLING, 5))
    [busy, *_] = patrols.due(AT)
    assert (busy.unit, busy.state, busy.lon, busy.lat) == (CAR.key, UnitState.BUSY, 120.38, 36.07)
    assert busy.case_id == led(State.HANDLING, 5).case_id
    patrols.hear(led(State.CHECKING, 6))
    assert patrols.due(AT + timedelta(minutes=1))[0].state is UnitState.AVAILABLE

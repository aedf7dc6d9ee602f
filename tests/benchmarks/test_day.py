"""What `make day` judges by: an open case is explained by what is to come of it, and by nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from benchmarks.day import Wish, standing, verdicts
from incidents.case import Case, Position
from incidents.events import CaseId
from incidents.steps import closure
from incidents.vocabulary import HeldBecause, State
from tests.incidents.closing import CITY, START, opening, sight

WISH = Wish(cases=14_000, speed=300, drain_hours=20, most_minutes=10, seed=1)
FINE: dict[str, Any] = {
    "cases": 14_100,
    "districts": 10,
    "minutes": 9.1,
    "stuck": [],
    "audit": {"exact": True},
    "indicators": {"equal": True},
}


def opened(number: int, **changes: Any) -> Case:
    """A case as its first report leaves it."""
    case_id = CaseId(f"QD-20261121-{number:010d}")
    command = sight(case_id=case_id, opening=opening(**changes))
    made = closure.decide(CITY, None, command, START, Position(topic_id="t", partition=0, offset=0)).case
    assert made is not None
    return made


CASES = [
    opened(0, category="littering"),
    opened(1, state=State.HELD, held_because=HeldBecause.WAITING, confirm=3),
    opened(2).model_copy(update={"state": State.CLOSED, "ended_at": START}),
]


def test_an_open_case_is_explained_by_its_date_or_by_what_a_person_is_about_to_do() -> None:
    found = standing(CITY, CASES, START, seed=1)
    assert (found.cases, found.districts, found.stuck) == (3, 1, [])
    assert found.open_because == {"held until its date": 1, "reported, a shift_lead is to file": 1}


@pytest.mark.parametrize(
    ("since", "stuck"), [(START + timedelta(hours=12), ["reported"]), (START + timedelta(days=30), ["reported", "held"])]
)
def test_what_should_have_happened_by_then_and_did_not_is_stuck(since: datetime, stuck: list[str]) -> None:
    assert [said.split()[1] for said in standing(CITY, CASES, since, seed=1).stuck] == stuck


@pytest.mark.parametrize(
    "broken",
    [
        {"cases": 13_999},
        {"districts": 9},
        {"minutes": 10.1},
        {"stuck": ["QD-1 filed"]},
        {"audit": {"exact": False}},
        {"audit": {"said": "Kafka is away"}},
        {"indicators": {"equal": False}},
    ],
)
def test_a_day_is_kept_when_everything_is(broken: dict[str, Any]) -> None:
    assert all(fine for _, fine in verdicts(WISH, FINE, 10))
    assert [fine for _, fine in verdicts(WISH, FINE | broken, 10)].count(False) == 1


def test_a_day_and_what_follows_it_fit_into_the_time() -> None:
    assert WISH.day_minutes + WISH.drain_hours * 60 / WISH.speed < WISH.most_minutes - 1

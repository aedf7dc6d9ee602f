"""Every kind of bad input is bad: intake refuses it with a reason of the bounded set, and the kind expected of it."""

import random
from datetime import timedelta

import pytest

from incidents.catalogue import City
from incidents.errors import BadReport, RejectReason
from incidents.steps import intake
from producers.simulation.bad import KINDS, Spoiler
from tests.producers.reports import MOMENT, a_report

REASONS = {
    "not_json": RejectReason.NOT_JSON,
    "two_in_one": RejectReason.NOT_JSON,
    "invalid_utf8": RejectReason.NOT_JSON,
    "wrong_shape": RejectReason.INVALID_SHAPE,
    "body_of_2_mb": RejectReason.OVERSIZED,
    "no_category": RejectReason.MISSING_FIELD,
    "no_location": RejectReason.NO_LOCATION,
    "swapped": RejectReason.OUT_OF_BOUNDS,
    "zero_zero": RejectReason.OUT_OF_BOUNDS,
    "time_without_offset": RejectReason.BAD_TIME,
    "time_as_epoch": RejectReason.BAD_TIME,
    "time_ahead": RejectReason.IN_FUTURE,
    "time_behind": RejectReason.TOO_OLD,
    "unknown_category": RejectReason.UNKNOWN_CATEGORY,
    "category_of_another_city": RejectReason.UNKNOWN_CATEGORY,
    "another_city": RejectReason.OTHER_CITY,
    "impossible_plate": RejectReason.BAD_PLATE,
    "duplicate_keys": RejectReason.DUPLICATE_KEYS,
    "deep_nesting": RejectReason.TOO_DEEP,
    "null_value": RejectReason.NULL_VALUE,
    "nan": RejectReason.INVALID_VALUE,
    "infinite": RejectReason.INVALID_VALUE,
}


def judged(value: bytes | None, city: City) -> None:
    event = intake.read(value)
    category = intake.category_of(event, city)
    intake.judge_time(intake.moment(event), city, MOMENT)
    intake.point(event["data"], city)
    intake.identity(event["data"], category)


def test_the_report_before_it_is_spoiled_is_a_good_one(city: City) -> None:
    judged(KINDS["time_ahead"](a_report(city, MOMENT - timedelta(days=2, minutes=5)), city), city)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_refused(kind: str, city: City) -> None:
    with pytest.raises(BadReport) as caught:
        judged(KINDS[kind](a_report(city), city), city)
    assert caught.value.reason is REASONS.get(kind, caught.value.reason)


def test_the_spoiler_draws_every_kind_and_the_large_body_seldom(city: City) -> None:
    rng = random.Random(3)
    drawn = [Spoiler(city).spoil(a_report(city), rng)[0] for _ in range(3000)]
    assert {*drawn, "body_of_2_mb"} == set(KINDS)
    assert drawn.count("body_of_2_mb") < 10


def test_a_city_that_takes_any_past_is_not_sent_what_it_would_accept(city: City) -> None:
    rng = random.Random(3)
    open_past = city.model_copy(update={"accept_past": None})
    assert "time_behind" not in {Spoiler(open_past).spoil(a_report(city), rng)[0] for _ in range(1000)}

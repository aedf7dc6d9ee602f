"""Silences on both databases: made, changed by Alertmanager's rule, ended, repeated by the wall clock, journalled before they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from adapters.database import Database
from adapters.silences import NoSuchSilence, Silences, ending, in_force
from incidents.errors import TryAgain, UserError
from incidents.silences import Repeats, Standing, Wish

CITY = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@dataclass
class Desk:
    """Silences whose clock the test turns, and what they wrote into the journal."""

    database: Database
    now: datetime = NOON
    journal: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    silences: Silences = field(init=False)

    def __post_init__(self) -> None:
        self.silences = Silences(self.database, "qingdao", lambda *entry: self.journal.append(entry), lambda: self.now)


@pytest.fixture
def desk(databases: Database) -> Desk:
    """A desk on each engine in turn."""
    return Desk(databases)


def wish(start: datetime = NOON, hours: float = 2, **more: Any) -> Wish:
    """A silence of the Licang district."""
    given = {"matchers": ('district="370213"',), "owner": "wang", "comment": "road works", **more}
    return Wish(starts_at=start, ends_at=start + hours * HOUR, **given)


def test_a_silence_is_kept_and_found_by_its_id_and_by_nobody_of_another_city(desk: Desk) -> None:
    kept = desk.silences.put(wish(), "wang")
    assert desk.silences.get(kept.id) == kept
    assert desk.silences.listed() == [kept]
    assert Silences(desk.database, "boston", print).listed() == []
    with pytest.raises(NoSuchSilence, match="silence list"):
        desk.silences.get("none")


def test_every_change_is_journalled_before_it_holds(desk: Desk) -> None:
    kept = desk.silences.put(wish(), "wang")
    desk.silences.expire(kept.id, "li")
    assert [(kind, person, what["act"]) for kind, person, what in desk.journal] == [
        ("silence", "wang", "put"),
        ("silence", "li", "expire"),
    ]

    def away(*_: object) -> None:
        raise TryAgain("the database: away")

    with pytest.raises(TryAgain):
        Silences(desk.database, "qingdao", away, lambda: NOON).put(wish(NOON + HOUR), "wang")
    assert len(desk.silences.listed()) == 1


@pytest.mark.parametrize(
    ("after", "change", "same"),
    [
        (HOUR, {"hours": 5}, True),  # active: another end
        (HOUR, {"start": NOON + HOUR}, False),  # active: another start
        (HOUR, {"matchers": ('district="370202"',)}, False),
        (-HOUR, {"start": NOON + HOUR}, True),  # pending
        (3 * HOUR, {"hours": 5}, False),  # expired
    ],
)
def test_a_silence_is_changed_in_place_where_alertmanager_does(desk: Desk, after: timedelta, change: dict[str, Any], same: bool) -> None:
    desk.now = NOON - 2 * HOUR
    old = desk.silences.put(wish(), "wang")
    desk.now = NOON + after
    new = desk.silences.put(wish(**change), "wang", replaces=old.id)
    assert (new.id == old.id) is same
    if not same:
        assert desk.silences.get(old.id).standing(desk.now) is Standing.EXPIRED
        assert [each.id for each in desk.silences.listed(expired=False)] == [new.id]


def test_what_should_have_started_starts_now_and_what_is_over_is_refused(desk: Desk) -> None:
    assert desk.silences.put(wish(NOON - HOUR), "wang").starts_at == NOON
    with pytest.raises(UserError, match="over"):
        desk.silences.put(wish(NOON - 3 * HOUR), "wang")


@pytest.mark.parametrize("matchers", [("district=~(",), ("nonsense",), ('district=~".*"',), ('district=""', 'unit!="x"')])
def test_matchers_that_are_none_or_match_everything_are_refused(desk: Desk, matchers: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        desk.silences.put(wish(matchers=matchers), "wang")
    assert desk.journal == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": 0},
        {"owner": " "},
        {"comment": ""},
        {"matchers": ()},
        {"repeats": Repeats.DAILY},
        {"until": NOON + 48 * HOUR},
        {"repeats": Repeats.DAILY, "hours": 24, "until": NOON + 48 * HOUR},
        {"hours": 24 * 400},
    ],
)
def test_a_wish_that_makes_no_sense_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wish(**wrong)


def test_an_ended_silence_is_shown_for_five_days_and_cannot_be_ended_again(desk: Desk) -> None:
    kept = desk.silences.put(wish(NOON + HOUR), "wang")
    desk.silences.expire(kept.id, "wang")
    assert in_force(desk.silences.listed(), desk.now, CITY) == []
    with pytest.raises(UserError, match="ended already"):
        desk.silences.expire(kept.id, "wang")
    desk.now = NOON + timedelta(days=6)
    other = desk.silences.put(wish(desk.now), "wang")
    assert [each.id for each in desk.silences.listed()] == [other.id]


def test_a_silence_that_repeats_holds_at_the_same_time_of_each_day_until_its_end(desk: Desk) -> None:
    night = datetime(2026, 11, 21, 22, tzinfo=CITY)
    kept = desk.silences.put(wish(night, 8, repeats=Repeats.DAILY, until=night + timedelta(days=3)), "wang")
    labels = {"district": "370213"}

    def holds(at: datetime) -> bool:
        return any(each.silences(labels, at) for each in in_force([kept], at, CITY))

    assert [holds(night + hours * HOUR) for hours in (-1, 0, 7.9, 8, 24, 31.9, 32, 48, 71.9, 72, 73)] == [
        *(False, True, True, False, True, True, False, True, False, False, False)
    ]
    desk.silences.expire(kept.id, "wang")
    assert desk.silences.get(kept.id).standing(desk.now) is Standing.EXPIRED


def test_by_the_wall_clock_also_over_a_change_of_time() -> None:
    boston = ZoneInfo("America/New_York")
    first = datetime(2026, 10, 30, 22, tzinfo=boston)
    kept = wish(first, 2, repeats=Repeats.DAILY, until=first + timedelta(days=9))
    starts = [start for start, _ in kept.windows(datetime(2026, 11, 3, 12, tzinfo=UTC), boston)]
    assert starts[0] == datetime(2026, 11, 3, 22, tzinfo=boston)


def test_its_owner_is_told_once_that_it_ends_soon(desk: Desk) -> None:
    kept = desk.silences.put(wish(), "wang")
    assert ending(desk.silences.listed(), NOON + HOUR) == []
    desk.now = NOON + 1.5 * HOUR
    assert [each.id for each in ending(desk.silences.listed(), desk.now)] == [kept.id]
    desk.silences.warned([kept.id])
    assert ending(desk.silences.listed(), desk.now) == []
    desk.silences.put(wish(hours=9), "wang", replaces=kept.id)
    desk.now = NOON + 8.8 * HOUR
    assert [each.id for each in ending(desk.silences.listed(), desk.now)] == [kept.id]

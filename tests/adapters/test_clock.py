"""The city's clock: what the setting may say, that it never goes back, that processes agree, and that a jump is seen."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.clock import EPOCH, ClockKind, EventsClock, FastClock, JumpGuard, RealClock, open_clock, parse_clock
from adapters.hot import Keys, connect
from config.settings import Settings
from incidents.errors import UserError

START = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
FAST = "x600@2026-11-21T08:00+08:00"


class Hands:
    """A wall clock that the test moves."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class OwnAnchor:
    """Nobody else is there."""

    async def agree(self, mine_ms: int) -> int:
        return mine_ms


@pytest.mark.parametrize(
    ("text", "kind", "speed", "start"),
    [
        ("real", ClockKind.REAL, 1.0, EPOCH),
        ("events", ClockKind.EVENTS, 0.0, EPOCH),
        (FAST, ClockKind.FAST, 600.0, START),
        ("x1.5@2026-11-21T00:00:00Z", ClockKind.FAST, 1.5, START),
    ],
)
def test_a_setting_names_kind_speed_and_start(text: str, kind: ClockKind, speed: float, start: datetime) -> None:
    setting = parse_clock(text)
    assert (setting.kind, setting.speed, setting.start) == (kind, speed, start)


@pytest.mark.parametrize(
    "text", ["", "fast", "x600", "x600@", "x600@soon", "x0@2026-11-21T08:00+08:00", "x99999@2026-11-21T08:00+08:00", "600@"]
)
def test_a_wrong_setting_is_answered_with_what_is_right(text: str) -> None:
    with pytest.raises(UserError, match=r"CITYLOOP_CLOCK=.*right are `real`, `events` or a speed"):
        parse_clock(text)


def test_a_start_without_an_offset_is_refused() -> None:
    with pytest.raises(UserError, match="without an offset"):
        parse_clock("x600@2026-11-21T08:00")


@given(st.lists(st.floats(min_value=-59, max_value=3600), max_size=30), st.booleans())
def test_now_never_goes_back_when_the_wall_clock_steps_back_a_little(steps: list[float], fast: bool) -> None:
    hands = Hands()
    clock = FastClock(parse_clock(FAST), OwnAnchor(), hands) if fast else RealClock(hands)
    latest = clock.now()
    highest = hands.at
    for step in steps:
        hands.at = max(hands.at + step, highest - 59)
        highest = max(highest, hands.at)
        now = clock.now()
        assert now >= latest
        latest = now


def test_now_follows_a_correction_of_more_than_a_minute() -> None:
    hands = Hands()
    clock = RealClock(hands)
    hands.at += 7200
    ahead = clock.now()
    hands.at -= 7200
    assert clock.now() == ahead - timedelta(hours=2)


def test_a_fast_clock_runs_from_its_start_and_maps_append_times() -> None:
    hands = Hands()
    clock = FastClock(parse_clock(FAST), OwnAnchor(), hands)
    assert clock.now() == START
    hands.at += 6
    assert clock.now() == START + timedelta(hours=1)
    assert clock.at(clock.anchor_ms - 1000) == START - timedelta(minutes=10)


def test_a_record_from_years_before_a_fast_clock_is_very_old_and_not_an_error() -> None:
    clock = FastClock(parse_clock("x10000@2026-11-21T08:00+08:00"), OwnAnchor(), Hands())
    assert clock.at(0) == EPOCH


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 10**12)), max_size=50))
def test_the_events_clock_is_the_lowest_of_the_highest_and_never_goes_back(heard: list[tuple[int, int]]) -> None:
    clock = EventsClock()
    latest, highest = clock.now(), dict[int, int]()
    for partition, ms in heard:
        clock.heard(partition, ms)
        highest[partition] = max(ms, highest.get(partition, ms))
        assert clock.now() >= max(latest, EPOCH + timedelta(milliseconds=min(highest.values())))
        latest = clock.now()


def test_with_the_events_clock_a_record_was_written_when_it_says() -> None:
    clock = EventsClock()
    stated = datetime(2015, 1, 1, 8, tzinfo=UTC)
    clock.heard(0, 1000)
    assert clock.at(5, stated) == stated
    assert clock.at(5) == clock.now() == EPOCH + timedelta(seconds=1)


@pytest.mark.parametrize(("jump", "drift"), [(0.0, 0.0), (61.0, 61.0), (-3600.0, -3600.0)])
def test_a_jump_of_the_wall_clock_is_seen_against_the_steady_one(jump: float, drift: float) -> None:
    wall, steady = Hands(), Hands(5.0)
    guard = JumpGuard(wall, steady)
    wall.at += 10 + jump
    steady.at += 10
    assert guard.drift_s() == pytest.approx(drift)


@pytest.mark.stack
def test_processes_agree_on_a_fast_clock_to_a_tenth_of_a_second(new_settings: Callable[..., Settings]) -> None:
    settings = new_settings(clock=FAST)

    async def apart() -> float:
        redis, other = connect(settings.redis_url), connect(settings.redis_url)
        keys = Keys(settings.namespace, settings.city)
        first = await open_clock(settings, redis, keys)
        second = await open_clock(settings, other, keys)
        assert isinstance(second, FastClock)
        second.anchor_ms += 300  # it was started later, and the first one's anchor is gone:
        await redis.delete(keys.clock)  # as a flush does
        await second.refresh()
        await first.refresh()
        await second.refresh()
        city_seconds = abs((first.now() - second.now()).total_seconds())
        await redis.aclose()
        await other.aclose()
        return city_seconds / first.speed

    assert asyncio.run(apart()) < 0.1


@pytest.mark.stack
def test_a_second_clock_in_the_same_stack_is_refused(new_settings: Callable[..., Settings]) -> None:
    settings = new_settings(clock=FAST)
    other = settings.model_copy(update={"clock": "x60@2026-11-21T08:00+08:00"})

    async def both() -> None:
        redis, keys = connect(settings.redis_url), Keys(settings.namespace, settings.city)
        try:
            await open_clock(settings, redis, keys)
            await open_clock(other, redis, keys)
        finally:
            await redis.aclose()

    with pytest.raises(UserError, match="this stack runs by 'x600@"):
        asyncio.run(both())


@pytest.mark.stack
def test_the_events_clock_reads_what_intake_wrote(new_settings: Callable[..., Settings]) -> None:
    settings = new_settings(clock="events")

    async def read() -> datetime:
        redis, keys = connect(settings.redis_url), Keys(settings.namespace, settings.city)
        await redis.hset(keys.events_clock, mapping={"0": 5000, "1": 3000})
        clock = await open_clock(settings, redis, keys)
        await redis.aclose()
        return clock.now()

    assert asyncio.run(read()) == EPOCH + timedelta(seconds=3)

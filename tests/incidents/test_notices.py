"""When a group is sent, what keeps it quiet, and at which times: Alertmanager's behaviour, restated as tables."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from config.notice_tree import BadTree, duration_of, matcher_of, tree_of
from incidents.notice_decide import Inhibition, Reason, Rhythm, Sent, Silence, needs_notice
from incidents.notice_times import TimeInterval

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def sent(firing: str, resolved: str = "", ago: timedelta = timedelta()) -> Sent:
    """What was last told: each letter is an alert."""
    return Sent(NOW - ago, frozenset(firing), frozenset(resolved))


@pytest.mark.parametrize(
    ("told", "last", "firing", "resolved", "send_resolved", "reason"),
    [
        ("a first alert is told", None, "a", "", True, Reason.FIRST),
        ("what came and went unseen is not", None, "", "a", True, Reason.NOTHING_FIRES),
        ("a new one in the group is told", sent("a"), "ab", "", True, Reason.NEW),
        ("one after all had been resolved is a first one", sent("", "a"), "b", "", True, Reason.FIRST),
        ("a smaller group is nothing new", sent("ab"), "a", "", True, Reason.NOTHING_NEW),
        ("some resolved are told", sent("ab"), "a", "b", True, Reason.RESOLVED),
        ("unless nobody wants to hear it", sent("ab"), "a", "b", False, Reason.NOTHING_NEW),
        ("the same resolved ones are not told again", sent("a", "b"), "a", "b", True, Reason.NOTHING_NEW),
        ("all resolved clears what was told, wanted or not", sent("a"), "", "a", False, Reason.ALL_RESOLVED),
        ("once", sent("", "a"), "", "a", True, Reason.NOTHING_FIRES),
        ("resolved and fired between two moments is nobody's news", sent("", "a"), "", "ab", True, Reason.NOTHING_FIRES),
        ("exactly at the repeat interval it is too early", sent("a", ago=HOUR), "a", "", True, Reason.NOTHING_NEW),
        ("behind it the same is told again", sent("a", ago=HOUR + timedelta(microseconds=1)), "a", "", True, Reason.REPEAT),
    ],
)
def test_a_group_is_sent_for_a_named_reason(
    told: str, last: Sent | None, firing: str, resolved: str, send_resolved: bool, reason: Reason
) -> None:
    """notify/dedup_stage.go, case by case."""
    assert needs_notice(last, set(firing), set(resolved), Rhythm(HOUR, send_resolved), NOW) is reason, told


def inhibition() -> Inhibition:
    """A burst main keeps standing water of its district quiet."""
    return Inhibition(
        "main", (matcher_of('category="water_main_burst"'),), (matcher_of('severity=~"normal|minor"'),), frozenset({"district", "zone"})
    )


@pytest.mark.parametrize(
    ("told", "target", "firing", "quiet"),
    [
        ("in its district", {"severity": "normal", "district": "1"}, {"category": "water_main_burst", "district": "1"}, True),
        ("not in another", {"severity": "normal", "district": "2"}, {"category": "water_main_burst", "district": "1"}, False),
        (
            "what the target does not match",
            {"severity": "major", "district": "1"},
            {"category": "water_main_burst", "district": "1"},
            False,
        ),
        ("another source", {"severity": "minor", "district": "1"}, {"category": "gas_leak", "district": "1"}, False),
        ("a label both lack is the same", {"severity": "minor"}, {"category": "water_main_burst"}, True),
        (
            "what is both is not kept quiet by what is both",
            {"category": "water_main_burst", "severity": "minor"},
            {"category": "water_main_burst", "severity": "minor", "case_id": "other"},
            False,
        ),
        (
            "but by what is only a source",
            {"category": "water_main_burst", "severity": "minor"},
            {"category": "water_main_burst", "severity": "major"},
            True,
        ),
    ],
)
def test_an_inhibition_keeps_quiet(told: str, target: dict[str, str], firing: dict[str, str], quiet: bool) -> None:
    """inhibit/inhibit.go, case by case."""
    assert (inhibition().inhibits(target, [firing]) == firing) is quiet, told


def test_a_silence_holds_from_its_start_to_its_end() -> None:
    """The start belongs to it, the end does not."""
    silence = Silence("s", (matcher_of("district=1"),), NOW, NOW + HOUR)
    moments = (NOW - timedelta(seconds=1), NOW, NOW + HOUR - timedelta(seconds=1), NOW + HOUR)
    assert [silence.silences({"district": "1"}, at) for at in moments] == [False, True, True, False]
    assert not silence.silences({"district": "2"}, NOW)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A moment in local time."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


WORKING = TimeInterval(SHANGHAI, times=((time(9), time(17)),), weekdays=((1, 5),))


@pytest.mark.parametrize(
    ("told", "interval", "inside", "outside"),
    [
        ("the start belongs to it, the end does not", WORKING, ["2026-11-23T09:00", "2026-11-23T16:59:59"], ["2026-11-23T17:00"]),
        ("Monday to Friday", WORKING, ["2026-11-27T10:00"], ["2026-11-22T10:00", "2026-11-28T10:00"]),
        (
            "two times of a day",
            TimeInterval(SHANGHAI, times=((time(0), time(8)), (time(22), None))),
            ["2026-11-21T23:59", "2026-11-21T00:00"],
            ["2026-11-21T08:00", "2026-11-21T21:59"],
        ),
        (
            "the last three days of any month",
            TimeInterval(SHANGHAI, days_of_month=((-3, -1),)),
            ["2026-02-26T01:00", "2026-01-31T23:00"],
            ["2026-02-25T23:00", "2026-01-28T12:00"],
        ),
        ("clamped to the month", TimeInterval(SHANGHAI, days_of_month=((30, 31),)), ["2026-11-30T12:00"], ["2026-02-28T12:00"]),
        (
            "months and years",
            TimeInterval(SHANGHAI, months=((1, 2),), years=((2026, 2027),)),
            ["2027-02-01T00:00"],
            ["2028-01-01T00:00", "2026-03-01T00:00"],
        ),
        (
            "the missing hour of a spring night is nobody's",
            TimeInterval(BERLIN, times=((time(2), time(3)),)),
            ["2026-03-28T02:30+01:00"],
            ["2026-03-29T03:00+02:00"],
        ),
        ("an empty one always holds", TimeInterval(SHANGHAI), ["1999-01-01T00:00"], []),
    ],
)
def test_an_interval_contains(told: str, interval: TimeInterval, inside: list[str], outside: list[str]) -> None:
    """timeinterval/timeinterval.go, case by case."""

    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text) if "+" in text else at(text)

    assert [interval.contains(moment(text), None) for text in inside + outside] == [True] * len(inside) + [False] * len(outside), told


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ('a="b"', {"a": "b"}, True),
        ("a=b c", {"a": "b c"}, True),
        (' a != "" ', {}, False),
        ('a=""', {}, True),
        ('a=~"x|"', {}, True),
        ('a=~"b"', {"a": "abc"}, False),
        ('a!~"b.*"', {"a": "bc"}, False),
        ('a="q\\"n\\n\\\\"', {"a": 'q"n\n\\'}, True),
    ],
)
def test_a_matcher_reads_as_alertmanagers(text: str, labels: dict[str, str], fits: bool) -> None:
    """Quotes are optional, expressions match the whole value, a missing label is an empty one."""
    assert matcher_of(text).matches(labels) is fits


@pytest.mark.parametrize("text", ["", "a", '1a="b"', 'a="b', 'a="b"c"', 'a=~"(a)\\1"', 'a=~"(?=a)"', 'a=~"("'])
def test_what_is_no_matcher_is_named(text: str) -> None:
    """With the text, and what is right; look-around and back references are not RE2's."""
    with pytest.raises(ValueError, match="matcher|RE2|quote"):
        matcher_of(text)


def test_options_are_inherited_and_matchers_are_not() -> None:
    """A child says what differs; `group_by = []` is a difference; `...` groups by everything."""
    tree = tree_of(
        {
            "receiver": "all",
            "group_by": ["district"],
            "group_wait": "10s",
            "routes": [
                {"matchers": ["a=1"], "repeat_interval": "1h30m", "mute_time_intervals": ["night"], "routes": [{"group_by": []}]},
                {"matchers": ["a=2"], "group_by": ["..."]},
            ],
        }
    )
    first, second = tree.children
    inner = first.children[0]
    assert (first.options.receiver, first.options.group_wait) == ("all", timedelta(seconds=10))
    assert inner.options.repeat_interval == timedelta(minutes=90)
    assert (inner.options.group_by, inner.muted, first.muted) == (frozenset(), (), ("night",))
    assert second.options.group_of({"b": "2", "a": "1"}) == (("a", "1"), ("b", "2"))
    assert [node.path for node in tree.nodes()] == ["", "0", "0/0", "1"]


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({}, ""),
        ({"receiver": "r", "matchers": ["a=1"]}, ""),
        ({"receiver": "r", "routes": [{}, {"routes": [{"matchers": ["a"]}]}]}, "1/0"),
        ({"receiver": "r", "routes": [{"group_interval": "0s"}]}, "0"),
        ({"receiver": "r", "routes": [{"group_wait": "soon"}]}, "0"),
    ],
)
def test_a_mistake_in_the_tree_is_found_at_its_node(table: dict[str, object], path: str) -> None:
    """The path says which."""
    with pytest.raises(BadTree) as found:
        tree_of(table)
    assert found.value.path == path


def test_durations_are_prometheus_durations() -> None:
    """Years, weeks, days … in this order."""
    assert [duration_of(text) for text in ("1h30m", "90s", "1d", "500ms")] == [
        timedelta(minutes=90),
        timedelta(seconds=90),
        timedelta(days=1),
        timedelta(milliseconds=500),
    ]

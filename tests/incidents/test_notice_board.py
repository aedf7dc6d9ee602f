"""What the board tells whom, when and why: Alertmanager's behaviour as tables, and what is better here."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidents.notice_board import KEPT, Quiet
from incidents.notice_decide import Reason
from incidents.notice_times import TimeInterval
from incidents.workcalendar import WorkCalendar, WorkHours
from tests.incidents.noticing import BEGIN, Desk, after, alert, inhibition, rules_of, silence

FIRST, NEW, ALL, SOME, REPEAT = (str(each) for each in list(Reason)[:5])
TREE = {"receiver": "desk", "group_by": ["district"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "1h"}


def test_alerts_of_a_group_wait_for_each_other_and_are_told_together() -> None:
    """group_wait from the first one, one notice for each group."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"), alert("b", district="2"))
    desk.until(20)
    desk.learn(alert("c", start=20, district="1"))
    desk.until(200)
    assert desk.notices() == [(30, "desk", FIRST, ["a", "c"]), (30, "desk", FIRST, ["b"])]


def test_what_comes_later_is_told_at_the_next_interval_and_what_ends_too() -> None:
    """group_interval; the notice names all that fires, and what ended since."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(100)
    desk.learn(alert("b", start=100, district="1"))
    desk.until(400)
    desk.learn(alert("a", 2, end=400, district="1"))
    desk.until(700)
    desk.learn(alert("b", 2, start=100, end=700, district="1"))
    desk.until(10_000)
    assert desk.notices() == [
        (30, "desk", FIRST, ["a"]),
        (330, "desk", NEW, ["a", "b"]),
        (630, "desk", SOME, ["b", "-a"]),
        (930, "desk", ALL, ["-b"]),
    ]


def test_what_goes_on_is_told_again_at_the_first_interval_behind_the_repeat_interval() -> None:
    """Alertmanager rounds up: at 3630 s exactly one hour has gone by, which is not more than one."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(8000)
    assert [at for at, *_ in desk.notices()] == [30, 3930, 7830]
    assert desk.notices()[1][2] == REPEAT


def test_who_wants_no_resolved_ones_gets_none_and_has_a_memory_of_its_own() -> None:
    """One target wants them, the other does not: both hear what Alertmanager's two integrations would."""
    desk = Desk(rules_of(TREE, both=["desk"]))
    desk.learn(alert("a", district="1"), alert("b", district="1"))
    desk.until(40)
    desk.learn(alert("a", 2, end=40, district="1"))
    desk.until(4_000)
    desk.learn(alert("b", 2, end=4_000, district="1"))
    desk.until(5_000)
    heard = {flag: [(at.timestamp() - BEGIN.timestamp(), reason) for at, reason in heard_by(desk, flag)] for flag in (True, False)}
    assert heard == {True: [(30, FIRST), (330, SOME), (3_930 + 300, ALL)], False: [(30, FIRST), (3_930, REPEAT)]}


def heard_by(desk: Desk, wants_resolved: bool) -> list[tuple[datetime, str]]:
    """The notices to one kind of targets."""
    return [(each.at, each.notice.reason) for each in desk.told if each.notice and each.send_resolved is wants_resolved]


def test_an_old_alert_does_not_wait_again() -> None:
    """Whoever was away for an hour tells at once (dispatch.go: the wait is over already)."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", start=-3600, district="1"))
    assert desk.board.next_at() == BEGIN


def test_what_was_over_before_anybody_was_told_is_told_to_nobody_and_explained() -> None:
    """Came and went within the wait."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.learn(alert("a", 2, end=5, district="1"))
    desk.until(5)
    (told,) = desk.until(1000)
    assert (told.notice, told.reason, told.why) == (None, Reason.NOTHING_FIRES, "over before it was told")
    assert desk.board.next_at() is None


def test_a_new_occurrence_after_the_end_is_told_as_a_first_one() -> None:
    """Closed, told, reopened."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(40)
    desk.learn(alert("a", 2, end=40, district="1"))
    desk.until(400)
    desk.learn(alert("a", 3, start=400, district="1"))
    desk.until(500)
    assert [reason for _, _, reason, _ in desk.notices()] == [FIRST, ALL, FIRST]
    assert len({each.notice.id for each in desk.told if each.notice}) == 3


@pytest.mark.parametrize("words", [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2], [2, 1, 3], [3, 1, 2], [3, 3, 1]])
def test_words_in_any_order_make_the_same_alert(words: list[int]) -> None:
    """Filed, recategorised by a person, escalated: the labels of the filing, the annotations of the last."""
    said = {
        1: alert("a", 1, district="1", category="x"),
        2: alert("a", 2, district="1", category="y", is_level="district"),
        3: alert("a", 3, district="1", category="y", is_level="city"),
    }
    desk = Desk(rules_of(TREE))
    desk.learn(*(said[each] for each in words))
    (known,) = desk.board.firing()
    assert (known.annotations, known.sequence) == ({"level": "city"}, 3)
    assert known.labels["category"] == ("x" if 1 in words else "y")


def test_a_muted_route_still_ends_the_routing() -> None:
    """Alertmanager #3120: what a muted node takes, no other node gets; it is told when the muting ends."""
    night = TimeInterval(ZoneInfo("UTC"), times=((time(8), time(8, 10)),))
    table = {**TREE, "routes": [{"receiver": "chat", "matchers": ["severity=minor"], "mute_time_intervals": ["night"]}]}
    desk = Desk(rules_of(table, intervals={"night": (night,)}))
    desk.learn(alert("a", district="1", severity="minor"))
    desk.until(900)
    assert desk.notices() == [(630, "chat", FIRST, ["a"])]
    assert [(each.reason, each.why) for each in desk.told[:-1]] == [(Quiet.MUTED, "muted in 'night'")]


def test_a_route_that_is_active_at_times_is_silent_at_all_others() -> None:
    """active_time_intervals, and an interval of workdays in a year that the calendar does not know: rather told."""
    calendar = WorkCalendar.model_validate({"hours": [WorkHours(begins=time(9), ends=time(17))], "years": [{"year": 2026}]})
    office = TimeInterval(ZoneInfo("UTC"), workdays=True)
    table = {**TREE, "active_time_intervals": [], "routes": [{"receiver": "chat", "active_time_intervals": ["office"]}]}
    rules = rules_of(table, intervals={"office": (office,)}, calendar=calendar)
    saturday = Desk(rules)
    saturday.learn(alert("a", district="1"))
    saturday.until(3600)
    assert saturday.notices() == []
    assert [each.reason for each in saturday.told] == [Quiet.INACTIVE]
    later = Desk(rules, now=datetime(2028, 1, 1, tzinfo=UTC))
    later.learn(alert("a", district="1"))
    assert [each.notice is not None for each in later.board.due(later.now)] == [True]


def test_an_inhibited_alert_is_told_when_its_source_is_over() -> None:
    """A burst main keeps the water on the street quiet; both in the same district."""
    desk = Desk(rules_of(TREE, inhibitions=(inhibition("category=main", "category=water", "district"),)))
    desk.learn(
        alert("m", district="1", category="main"), alert("w", district="1", category="water"), alert("v", district="2", category="water")
    )
    desk.until(40)
    assert desk.notices() == [(30, "desk", FIRST, ["m"]), (30, "desk", FIRST, ["v"])]
    assert [each.why for each in desk.told if each.reason is Quiet.INHIBITED] == ["inhibited by 'category=main > category=water': m fires"]
    desk.learn(alert("m", 2, end=40, district="1", category="main"))
    desk.until(400)
    assert desk.notices()[2:] == [(330, "desk", NEW, ["w", "-m"])]
    assert desk.board.hits()["inhibition category=main > category=water"].times == 1


def test_what_was_told_and_ended_in_silence_is_told_as_over_afterwards() -> None:
    """Alertmanager #226: there the receiver believes for ever that it fires."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(40)
    desk.silence(silence("case_id=a", 40, 1000))
    desk.learn(alert("a", 2, end=100, district="1"))
    desk.until(900)
    assert desk.notices() == [(30, "desk", FIRST, ["a"])]
    desk.until(3000)
    assert desk.notices()[1:] == [(1230, "desk", ALL, ["-a"])]
    assert desk.board.next_at() is None


def test_what_ended_in_silence_and_was_never_told_is_not() -> None:
    """Nobody wonders about what nobody heard."""
    desk = Desk(rules_of(TREE))
    desk.silence(silence("case_id=a", 0, 1000))
    desk.learn(alert("a", district="1"))
    desk.until(100)
    desk.learn(alert("a", 2, end=100, district="1"))
    desk.until(3000)
    assert desk.notices() == []
    assert [each.reason for each in desk.told] == [Quiet.SILENCED]


def test_a_change_leads_an_alert_elsewhere_and_tells_those_whom_it_leaves() -> None:
    """`where` asks what changes: another unit has it now, and the first one hears that it is done with it."""
    table = {**TREE, "routes": [{"receiver": unit, "where": [f"unit={unit}"]} for unit in ("parks", "roads")]}
    desk = Desk(rules_of(table))
    desk.learn(alert("a", district="1", is_unit="parks"))
    desk.until(40)
    desk.learn(alert("a", 2, district="1", is_unit="roads"))
    desk.until(1000)
    assert desk.notices() == [(30, "parks", FIRST, ["a"]), (40, "roads", FIRST, ["a"]), (330, "parks", ALL, ["-a"])]
    (over,) = desk.told[-1].alerts
    assert over.annotations["left"] == "true"
    desk.learn(alert("a", 3, district="1", is_unit="parks"))
    desk.until(2000)
    assert desk.notices()[3][1:] == ("parks", FIRST, ["a"])


def test_other_rules_lead_the_alerts_anew() -> None:
    """A node that is no more, one that is new, and one that stands elsewhere but is the same: that one tells nothing twice."""
    kept = {"receiver": "chat", "matchers": ["severity=minor"], "continue": True}
    desk = Desk(rules_of({**TREE, "routes": [{"receiver": "old"}, kept]}))
    desk.rules = rules_of({**TREE, "routes": [kept, {"receiver": "old"}]})
    desk.restart()
    desk.learn(alert("a", district="1", severity="minor"))
    desk.until(40)
    assert sorted(receiver for _, receiver, _, _ in desk.notices()) == ["chat", "old"]
    desk.restart(rules_of({**TREE, "routes": [{"receiver": "new", "matchers": ["district=1"], "continue": True}, kept]}))
    desk.until(1000)
    assert [receiver for _, receiver, _, _ in desk.notices()[2:]] == ["new"]


def test_a_clock_that_goes_back_delays_nobody_by_more_than_an_interval() -> None:
    """Somebody sets the clock back by a day."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(40)
    desk.now = BEGIN - timedelta(days=1)
    desk.learn(alert("b", start=-86_400, district="1"), alert("c", start=-86_400, district="2"))
    desk.until(-86_400 + 300)
    assert [(receiver, alerts) for _, receiver, _, alerts in desk.notices()[1:]] == [("desk", ["c"]), ("desk", ["b", "a"])]


def test_a_clock_that_goes_back_stops_neither_repeats_nor_ends() -> None:
    """What was told, and what ended, in a day that did not come yet, was so now."""
    table = {
        **TREE,
        "repeat_interval": "10m",
        "routes": [{"receiver": "parks", "where": ["unit=parks"], "continue": True}, {"receiver": "desk"}],
    }
    desk = Desk(rules_of(table))
    desk.learn(alert("a", district="1"), alert("b", district="2"), alert("c", district="3", is_unit="parks"))
    desk.until(40)
    desk.learn(alert("b", 2, end=41, district="2"), alert("c", 2, district="3", is_unit="roads"))
    desk.now = BEGIN - timedelta(days=1)
    desk.learn(alert("d", end=50, district="2"))
    desk.until(-86_400 + 1300)
    told = [(receiver, reason, alerts) for _, receiver, reason, alerts in desk.notices()[4:]]
    assert ("desk", ALL, ["-b"]) in told and ("parks", ALL, ["-c"]) in told
    assert ("desk", REPEAT, ["a"]) in told
    assert not [each for each in told if "d" in each[2]]


def test_what_is_over_is_forgotten_after_five_days_and_not_fired_by_an_old_fact_before() -> None:
    """The record goes; until then a fact that is told again is known."""
    desk = Desk(rules_of(TREE))
    desk.learn(alert("a", district="1"))
    desk.until(40)
    desk.learn(alert("a", 2, end=40, district="1"))
    desk.until(400)
    desk.learn(alert("a", district="1"))
    assert desk.board.next_at() is None
    desk.restart()
    assert sorted(desk.store) == ["alert/a", "hit/node {}"]
    desk.board.due(after(40) + KEPT)
    desk.restart()
    assert sorted(desk.store) == ["hit/node {}"]


def test_a_notice_names_so_many_alerts_and_says_how_many_more_there_are() -> None:
    """The firing ones before the others."""
    desk = Desk(rules_of(TREE, most_alerts=2))
    desk.learn(*(alert(name, start=number, district="1") for number, name in enumerate("abcde")))
    desk.until(40)
    notice = desk.told[0].notice
    assert notice is not None
    assert ([each.fingerprint for each in notice.alerts], notice.truncated, len(desk.told[0].alerts)) == (["a", "b"], 3, 5)


def test_rules_that_never_matched_are_shown_as_such() -> None:
    """All of them have a count, and the moment of the last time; it survives a restart."""
    desk = Desk(
        rules_of({**TREE, "routes": [{"receiver": "chat", "matchers": ["severity=minor"]}]}, inhibitions=(inhibition("a=b", "c=d"),))
    )
    desk.learn(alert("a", district="1"), alert("b", district="1"))
    desk.until(40)
    desk.restart()
    hits = desk.board.hits()
    assert {name: hit.times for name, hit in hits.items()} == {"node {}": 2, 'node {}/{severity="minor"}': 0, "inhibition a=b > c=d": 0}
    assert hits["node {}"].last == BEGIN


def test_a_group_is_named_as_alertmanager_names_it() -> None:
    """Its `groupKey`; nodes that ask for the same are told apart."""
    node = {"receiver": "chat", "matchers": ["severity=minor", "district=~1|2"], "continue": True}
    desk = Desk(rules_of({**TREE, "routes": [node, node]}))
    desk.learn(alert("a", district="1", severity="minor"))
    desk.until(40)
    keys = [each.group_key for each in desk.told]
    name = '{}/{district=~"1|2",severity="minor"}'
    assert keys == [f'{name}#2:{{district="1"}}', f'{name}:{{district="1"}}']

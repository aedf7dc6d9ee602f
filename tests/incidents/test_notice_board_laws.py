"""Laws of the board, over random trees, alerts, changes, silences and inhibitions.

Nobody waits too long or is left with a wrong belief; a restart at any moment changes nothing, nor does the order of facts within a batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.notice_board import BoardRules, Told
from incidents.notice_rules import Sources, group_key
from incidents.notice_times import TimeInterval
from incidents.notice_tree import Node
from incidents.notices import Alert, Notice
from tests.incidents.noticing import Desk, after, alert, inhibition, rules_of, silence

WAITS = {"group_wait": ["0s", "30s", "2m"], "group_interval": ["1m", "5m"], "repeat_interval": ["5m", "1h"]}
LONGEST = 300
MATCHERS = ["severity=minor", "severity!=minor", "district=~1|2", 'district!="1"']
WHERE = ["unit=x", "unit!=x", 'level="city"']
MORNING = TimeInterval(ZoneInfo("UTC"), times=((time(8, 10), time(8, 40)),))
NAMES = "abcde"


def nodes(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """A node and what is below it."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "matchers": st.lists(st.sampled_from(MATCHERS), max_size=2),
        "where": st.lists(st.sampled_from(WHERE), max_size=1),
        "continue": st.booleans(),
        "group_by": st.lists(st.sampled_from(["district", "severity", "..."]), max_size=2),
        "mute_time_intervals": st.sampled_from([[], [], ["morning"]]),
        **{key: st.sampled_from(values) for key, values in WAITS.items()},
    }
    if depth:
        optional["routes"] = st.lists(nodes(depth - 1), max_size=2)
    return st.fixed_dictionaries({"receiver": st.sampled_from(["r", "s", "t"])}, optional=optional)


def trees() -> st.SearchStrategy[dict[str, Any]]:
    """A root, which matches everything, and what is below it."""
    return st.fixed_dictionaries(
        {
            "receiver": st.just("root"),
            "group_by": st.just(["district"]),
            "group_wait": st.just("30s"),
            "repeat_interval": st.just("20m"),
            "routes": st.lists(nodes(1), max_size=3),
        }
    )


@st.composite
def boards(draw: st.DrawFn) -> BoardRules:
    """Rules with everything that there is."""
    sources = st.tuples(st.sampled_from(MATCHERS), st.sampled_from(MATCHERS), st.sampled_from([(), ("district",)]))
    inhibitions = {
        inhibition(one, other, *equal).name: inhibition(one, other, *equal) for one, other, equal in draw(st.lists(sources, max_size=2))
    }
    return rules_of(
        draw(trees()),
        deaf=draw(st.sets(st.sampled_from(["r"]))),
        both=draw(st.sets(st.sampled_from(["s"]))),
        inhibitions=tuple(inhibitions.values()),
        intervals={"morning": (MORNING,)},
    )


@dataclass(frozen=True)
class Step:
    """Time goes by, and then something is learned, or somebody wants silence."""

    wait: int
    name: str = ""
    ends: bool = False
    unit: str = ""
    level: str = ""
    severity: str = "minor"
    quiet: int = 0


def steps() -> st.SearchStrategy[list[Step]]:
    """What happens, in order."""
    waits = st.sampled_from([0, 0, 1, 20, 30, 60, 299, 300, 1000])
    learning = st.builds(
        Step,
        waits,
        st.sampled_from(NAMES),
        st.booleans(),
        st.sampled_from(["", "x", "y"]),
        st.sampled_from(["district", "city"]),
        st.sampled_from(["minor", "major"]),
    )
    return st.lists(learning | st.builds(Step, waits, quiet=st.sampled_from([60, 900])), max_size=14)


class History:
    """The alerts of steps: sequences go up, labels are those of the occurrence's first word, an end is followed by another start."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}

    def next(self, step: Step, now: float) -> Alert:
        """The alert after a step."""
        known = self.alerts.get(step.name)
        fresh = known is None or known.ends_at is not None
        start = now if fresh or known is None else (known.starts_at - after(0)).total_seconds()
        district = str(NAMES.index(step.name) % 3)
        self.alerts[step.name] = alert(
            step.name,
            1 if known is None else known.sequence + 1,
            start,
            now if step.ends else None,
            district=district,
            severity=step.severity,
            is_unit=step.unit,
            is_level=step.level,
        )
        return self.alerts[step.name]


def played(rules: BoardRules, script: list[Step], restart: Callable[[int], bool] = lambda at: False) -> Desk:
    """The desk after all of it, and half an hour more."""
    desk, history, now = Desk(rules), History(), 0.0
    for number, step in enumerate(script):
        now += step.wait
        desk.until(now)
        if restart(number):
            desk.restart()
        if step.quiet:
            desk.silence(silence("district=1", now, now + step.quiet))
        else:
            desk.learn(history.next(step, now))
    if restart(len(script)):
        desk.restart()
    desk.until(now + 1800)
    return desk


@settings(max_examples=60, deadline=None)
@given(boards(), steps(), st.sets(st.integers(0, 14)))
def test_a_restart_at_any_moment_changes_nothing(rules: BoardRules, script: list[Step], restarts: set[int]) -> None:
    """The same words, notices and ids, whenever the board is made anew of what it kept."""
    assert played(rules, script, restarts.__contains__).told == played(rules, script).told


@settings(max_examples=60, deadline=None)
@given(trees(), steps())
def test_what_fires_is_told_within_the_longer_of_wait_and_interval_and_so_is_its_end(tree: dict[str, Any], script: list[Step]) -> None:
    """Nothing keeping it quiet: one interval after the last change everybody believes what is so, and nobody anything else."""
    rules = rules_of(tree, intervals={"morning": (MORNING,)})
    awake = BoardRules(rules.tree, rules.hears_resolved, intervals={"morning": ()})
    desk, history, now = Desk(awake), History(), 0.0
    for step in [each for each in script if not each.quiet]:
        now += step.wait
        desk.until(now)
        desk.learn(history.next(step, now))
    desk.until(now + LONGEST)
    wanted = {
        (node.options.receiver, group, each.fingerprint)
        for each in history.alerts.values()
        if each.ends_at is None
        for node, group in _groups(desk, each.fingerprint)
    }
    assert desk.believed() == wanted


def _groups(desk: Desk, name: str) -> list[tuple[Node, str]]:
    """Where an alert belongs: nodes and the names of their groups."""
    (known,) = [each for each in desk.board.firing() if each.fingerprint == name]
    keys = {node.path: key for key, node in desk.rules.keys().items()}
    reached = desk.rules.tree.routes(known.labels, known.annotations)
    return [(node, group_key(keys[node.path], node.options.group_of(known.labels))) for node in reached]


@settings(max_examples=60, deadline=None)
@given(boards(), steps())
def test_whatever_kept_it_quiet_nobody_is_left_with_a_wrong_belief(rules: BoardRules, script: list[Step]) -> None:
    """An hour after everything ended and no silence holds, nobody believes that anything fires (better than Alertmanager #226)."""
    desk, history, now = Desk(rules), History(), 0.0
    for step in script:
        now += step.wait
        desk.until(now)
        if step.quiet:
            desk.silence(silence("district=1", now, now + step.quiet))
        else:
            desk.learn(history.next(step, now))
    desk.learn(*(_ended(each, now) for each in history.alerts.values() if each.ends_at is None))
    desk.until(now + 3600)
    assert desk.believed() == set()
    assert desk.board.next_at() is None


def _ended(each: Alert, now: float) -> Alert:
    return each.model_copy(update={"ends_at": after(now), "sequence": each.sequence + 1})


@settings(max_examples=60, deadline=None)
@given(boards(), steps(), st.randoms(use_true_random=False))
def test_the_order_of_different_cases_within_a_batch_is_free(rules: BoardRules, script: list[Step], random: Any) -> None:
    """The facts of a case come in order, those of several in any, and old ones come again: the same notices under the same ids."""
    history = History()
    alerts = [history.next(step, 0) for step in script if not step.quiet]
    mixed = sorted(alerts, key=lambda each: (each.sequence, random.random()))
    one, other = Desk(rules), Desk(rules)
    one.learn(*alerts)
    other.learn(*mixed, *random.sample(alerts, k=len(alerts) // 2))
    assert _noticed(one.until(3600)) == _noticed(other.until(3600))


def _noticed(told: list[Told]) -> list[Notice]:
    """Words without a notice aside: what was over before it was told is explained only by who saw it come."""
    return [each.notice for each in told if each.notice is not None]


@settings(max_examples=60, deadline=None)
@given(
    boards(),
    st.lists(st.builds(Step, st.just(0), st.sampled_from(NAMES), st.booleans(), severity=st.sampled_from(["minor", "major"])), max_size=12),
)
def test_sources_say_what_the_inhibitions_say_of_all_alerts(rules: BoardRules, script: list[Step]) -> None:
    """The index of what inhibits, against the walk over everything that fires."""
    sources, history = Sources(rules.inhibitions), History()
    for step in script:
        before = history.alerts.get(step.name)
        if before is not None:
            sources.drop(before)
        sources.put(history.next(step, 0))
    firing = [each.labels for each in history.alerts.values() if each.ends_at is None]
    for each in history.alerts.values():
        found = sources.against(each.labels, after(1))
        wanted = next((one for one in rules.inhibitions if one.inhibits(each.labels, firing)), None)
        assert (found[0] if found else None) == wanted
        assert found is None or found[0].inhibits(each.labels, [found[1].labels])

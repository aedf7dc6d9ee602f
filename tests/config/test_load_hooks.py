"""A city's hooks.toml and its trials: every mistake is told with its line, and what is right is what the file says."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from config.load import load_folder
from config.load_hook_trials import try_hooks
from config.load_hooks import read_hooks
from config.notice_where import where_of
from config.settings import ROOT
from incidents.catalogue import City
from incidents.hooks import Hooks
from incidents.notices import Alert
from incidents.places import Located

CITY = ROOT / "config" / "cities" / "qingdao"


class Plain(BaseModel):
    """Settings of a kind of target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    token: str = ""


KINDS: dict[str, type[BaseModel]] = {"plain": Plain}
RECEIVERS = """
[[receivers]]
name = "desk"
[[receivers.plain]]
url = "https://a.example/"
[[receivers.plain]]
url = "https://b.example/"
send_resolved = false
fallback = ["chat"]

[[receivers]]
name = "chat"
[[receivers.plain]]
token = "t"
url_file = "chat-address"
secret_file = ["new", "old"]
profile = "urgent"
"""
TREE = '[tree]\nreceiver = "desk"\n'


@pytest.fixture(scope="module")
def city() -> City:
    """Qingdao."""
    return load_folder(CITY)


def read(city: City, folder: Path, text: str) -> tuple[Hooks | None, list[str]]:
    """The hooks of a text, and its mistakes as `line: message`."""
    (folder / "hooks.toml").write_text(text, "utf-8")
    hooks, problems = read_hooks(folder, city, KINDS)
    return hooks, [f"{problem.line}: {problem.message}" for problem in problems]


def test_a_file_that_is_right_says_who_is_told_where(city: City, tmp_path: Path) -> None:
    """Targets by name, their files, fallback as targets, whether resolved ones are wanted."""
    more = """
[[tree.routes]]
receiver = "chat"
where = ["severity>=major"]
active_time_intervals = ["office"]

[[intervals]]
name = "office"
times = ["09:00-12:00"]
weekdays = ["monday:friday"]

[[intervals]]
name = "office"
days_of_month = ["-3:-1"]
workdays = false

[[subscriptions]]
name = "all"
facts = ["filed", "case.closed"]
matchers = ["district=370202"]
receiver = "desk"

[heartbeat]
url = "https://alive.example/"
every = "30s"

[allow]
cidrs = ["10.0.0.0/8"]
"""
    hooks, mistakes = read(city, tmp_path, 'operations = "chat"\n' + TREE + more + RECEIVERS)
    assert mistakes == []
    assert hooks is not None
    first, second = hooks.rows["desk"]
    (chat,) = hooks.rows["chat"]
    assert (first.name, first.settings, first.send_resolved) == ("desk/plain/0", Plain(url="https://a.example/"), True)
    assert (second.send_resolved, second.fallback) == (False, ("chat/plain/0",))
    assert (chat.settings, chat.raw, chat.setting_files) == (None, {"token": "t"}, {"url": "chat-address"})
    assert (chat.secret_files, chat.urgent) == (("new", "old"), True)
    assert hooks.rules.hears_resolved == {"desk": frozenset({True, False}), "chat": frozenset({True})}
    assert [each.times for each in hooks.rules.intervals["office"]] == [((time(9), time(12)),), ()]
    assert hooks.heartbeat is not None and hooks.heartbeat.every == timedelta(seconds=30)
    assert (str(hooks.allow[0]), hooks.operations) == ("10.0.0.0/8", "chat")
    (subscription,) = hooks.subscriptions
    told = alert(district="370202")
    assert [subscription.wants(fact, told) for fact in ("case.filed", "case.noted")] == [True, False]
    assert not subscription.wants("case.filed", alert(district="370203"))


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (RECEIVERS, "1: [tree] is missing: the root of the routing tree, with its receiver"),
        (TREE, "1: no [[receivers]]: there is nobody to tell"),
        ('[tree]\nreceiver = "dask"\n' + RECEIVERS, "2: unknown receiver 'dask'; did you mean 'desk'?"),
        (
            TREE + 'matchers = ["severity=minor"]\n' + RECEIVERS,
            "1: the root matches everything and is always active: it may have no matchers",
        ),
        (
            TREE + '[[tree.routes]]\n[[tree.routes.routes]]\ngroup_wait = "1 min"\n' + RECEIVERS,
            '5: \'1 min\' is no duration; write it like "30s", "5m" or "1h30m"',
        ),
        (
            TREE + '[[tree.routes]]\nmatchers = ["distrct=1"]\n' + RECEIVERS,
            "4: unknown label 'distrct'; did you mean 'district'? (what changes while a case is open goes into where)",
        ),
        (
            TREE + '[[tree.routes]]\nmatchers = ["category=gas_leek"]\n' + RECEIVERS,
            "4: unknown category 'gas_leek'; did you mean 'gas_leak'?",
        ),
        (TREE + '[[tree.routes]]\nwhere = ["severity>=mayor"]\n' + RECEIVERS, "4: unknown severity 'mayor'; did you mean 'major'?"),
        (TREE + "[[tree.routes]]\nwhere = ['zone=\"may\"']\n" + RECEIVERS, "4: unknown zone 'may'; known: may_fourth_square"),
        (TREE + '[[tree.routes]]\nmute_time_intervals = ["night"]\n' + RECEIVERS, "4: unknown interval 'night'; known: none"),
        (
            TREE + '[[tree.routes]]\n[[tree.routes]]\nmatchers = ["severity=minor"]\n' + RECEIVERS,
            "4: is never reached: a node above it takes everything and does not `continue`",
        ),
        (
            TREE + RECEIVERS + '[[intervals]]\nname = "night"\ntimes = ["22:00-07:00"]\n',
            '22: times: \'22:00-07:00\' ends before it begins; a night is two: "22:00-24:00", "00:00-07:00"',
        ),
        (
            TREE + RECEIVERS + '[[inhibitions]]\nname = "x"\nsource = ["category=gas_leak"]\n',
            "20: inhibition 'x' needs source and target: without one it would silence everything",
        ),
        (TREE + RECEIVERS.replace("url_file", "ulr_file"), "17: unknown key 'ulr_file'; did you mean 'url_file'?"),
        (TREE + RECEIVERS.replace('["chat"]', '["chet"]'), "11: unknown receiver or target 'chet'; did you mean 'chat'?"),
        (TREE + RECEIVERS.replace('url = "https://b', 'urls = "https://b'), "9: unknown key 'urls'; did you mean 'url'?"),
        (
            TREE + RECEIVERS.replace("[[receivers.plain]]\ntoken", "[[receivers.plein]]\ntoken"),
            "15: unknown kind of target 'plein'; did you mean 'plain'?",
        ),
        (
            TREE + RECEIVERS + '[[subscriptions]]\nname = "x"\nreceiver = "desk"\nfacts = ["field"]\n',
            "23: unknown fact 'field'; did you mean 'filed'?",
        ),
        (
            TREE + RECEIVERS + '[allow]\ncidrs = ["10.0.0.1/8"]\n',
            "21: '10.0.0.1/8' is no network (10.0.0.1/8 has host bits set); write it like 10.20.0.0/16",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(city: City, tmp_path: Path, text: str, mistake: str) -> None:
    """One mistake each, found where it stands."""
    hooks, mistakes = read(city, tmp_path, text)
    assert hooks is None
    assert mistake in mistakes


def test_without_a_file_nobody_is_told(city: City, tmp_path: Path) -> None:
    """That is no mistake."""
    assert read_hooks(tmp_path, city, KINDS) == (None, [])


def alert(**said: str) -> Alert:
    """An alert with these labels."""
    return Alert(fingerprint="a", labels=said, starts_at=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "holds", "holds_not"),
    [
        ("severity>=major", {"severity": "emergency"}, {"severity": "normal"}),
        ("severity<major", {"severity": "minor"}, {"severity": "major"}),
        ("level>=district", {"level": "city"}, {"level": "grid"}),
        ("escalated_to>=district", {"escalated_to": "district"}, {}),
        ('zone="may_fourth_square"', {"lon": "120.3830", "lat": "36.0620"}, {"lon": "120.4", "lat": "36.0620"}),
        ('zone!="may_fourth_square"', {}, {"lon": "120.3830", "lat": "36.0620"}),
        ('near="120.3826,36.0671,500"', {"lon": "120.3850", "lat": "36.0671"}, {"lon": "120.3950", "lat": "36.0671"}),
        ('unit=~"sanitation.*"', {"unit": "sanitation-370202"}, {"unit": "police"}),
        ('overdue="true"', {"overdue": "true"}, {"overdue": "false"}),
    ],
)
def test_a_condition_asks_what_changes_or_the_place(city: City, text: str, holds: dict[str, str], holds_not: dict[str, str]) -> None:
    """Beyond Alertmanager: order, zone, distance."""
    condition = where_of(text, city)
    assert (condition.holds(holds), condition.holds(holds_not)) == (True, False)


def test_a_trial_that_goes_otherwise_is_told_with_its_line(city: City, tmp_path: Path) -> None:
    """What was expected and what is so; a case that cannot be is a mistake too."""
    hooks, _ = read(city, tmp_path, TREE + 'group_wait = "10s"\n' + RECEIVERS)
    assert hooks is not None
    path = tmp_path / "hooks.test.toml"
    path.write_text(
        """[[trial]]
name = "one"
at = 2026-11-23T09:00:00
cases = [{name = "spill", category = "road_spillage", lon = 120.38, lat = 36.07}]
[trial.expect]
receivers = ["chat"]
told = [{after = "30s", receiver = "desk"}]

[[trial]]
name = "two"
cases = [{name = "spill", category = "road_spil", lon = 120.38, lat = 36.07}]
[trial.expect]
"""
    )
    moment = datetime(2026, 11, 23, 9, tzinfo=UTC)
    done, problems = try_hooks(path, city, hooks.rules, lambda lon, lat: Located(district="370202"), moment)
    assert [each.outcome.receivers for each in done] == [("desk",)]
    assert [f"{problem.line}: {problem.message}" for problem in problems] == [
        "6: one: told are desk, expected chat",
        "7: one: told is 10s desk (first notification) spill",
        "9: two: unknown category 'road_spil'",
    ]

"""One-tap links: a look changes nothing, a tap acknowledges as that person, once; and what no link opens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.followed import Followed
from adapters.links import LASTS, Links
from adapters.secrets import Secrets, read_secrets
from config.settings import Settings
from console.world import World
from incidents.duty import DutyPerson, Roster
from incidents.vocabulary import CommandType, Role, State
from tests.console.door import PASSWORD, a_person
from tests.console.served import served
from tests.console.test_commands import FOREIGN, HERE, MINE, OFFICE, THERE, Closure

pytestmark = pytest.mark.stack

CENTRE = f"command_center-{HERE}"
PEOPLE = (
    DutyPerson(key="li", name="李强", unit=CENTRE, role=Role.SHIFT_LEAD, channels={"sms": {}}),
    DutyPerson(key="mayor", name="<b>Mayor</b>", unit="command_center-city", channels={"sms": {}}),
    DutyPerson(key="worker", name="工人", unit=OFFICE, role=Role.UNIT, channels={"sms": {}}),
    DutyPerson(key="wang", name="王芳", unit=CENTRE, account="wang.fang", channels={"sms": {}}),
    DutyPerson(key="gone", name="走了", unit=CENTRE, account="no.account", channels={"sms": {}}),
)


@dataclass
class Taps:
    """A console whose roster is PEOPLE, closure behind it, and a client that is nobody."""

    world: World
    closure: Closure
    secrets: Secrets
    client: httpx.Client

    def link(self, person: str, case_id: str = MINE, ago: timedelta = timedelta()) -> str:
        """Where this person's link leads, made so long ago."""
        return f"/ack/{Links(self.secrets, lambda: datetime.now(UTC) - ago).token(case_id, person)}"

    def escalate(self, number: int = 1, to: str | None = "district", **more: object) -> None:
        """A case that went up."""
        district = {1: HERE, 2: THERE}[number]
        level = "city" if to is None else "subdistrict"
        self.closure.put(number, district=district, state=State.HANDLING, unit=OFFICE, escalated_to=to, **{"level": level, **more})


@pytest.fixture(scope="module")
def settings(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A namespace of these tests' own."""
    local = tmp_path_factory.mktemp("taps")
    return Settings(redis_url=redis_server, local_dir=local, namespace="t-taps.", city="qingdao", secrets_dir=local / "secrets")


@pytest.fixture(scope="module")
def console(settings: Settings) -> Iterator[Taps]:
    """It answers commands within half a second."""
    closure = Closure(settings)
    with served(
        settings, closure, change=lambda world: replace(world, roster=Followed("duty", (), lambda: Roster(people=PEOPLE)))
    ) as console:
        console.world.commands.wait_s = 0.5
        console.world.access.people.add(a_person(Role.LEADER, "wang.fang", level="district", district=HERE, unit=CENTRE), PASSWORD)
        assert settings.secrets_dir is not None
        with console.client as client:
            yield Taps(console.world, closure, read_secrets(settings.secrets_dir), client)


@pytest.fixture
def taps(console: Taps) -> Taps:
    """With a case of the district that went up, and nothing asked yet."""
    console.closure.fill()
    console.closure.silent = False
    console.closure.commands.clear()
    console.escalate()
    return console


def test_a_look_shows_the_case_and_changes_nothing(taps: Taps) -> None:
    for _ in range(3):
        shown = taps.client.get(taps.link("li"))
        assert (shown.status_code, shown.text.count("<button")) == (200, 1)
    assert MINE in shown.text
    assert "市南区" in shown.text
    assert "Handled by" in shown.text
    assert taps.client.head(taps.link("li")).status_code == 200
    assert taps.closure.commands == []


def test_a_tap_acknowledges_as_that_person_and_once(taps: Taps) -> None:
    link = taps.link("li")
    first, second = taps.client.post(link), taps.client.post(link)
    assert (first.status_code, second.status_code) == (200, 200)
    assert "签收" in first.text
    [command] = taps.closure.commands
    assert (command.type, command.actor.id, command.actor.role, command.actor.unit) == (
        CommandType.ACKNOWLEDGE, "duty:li", Role.SHIFT_LEAD, CENTRE,
    )  # fmt: skip
    assert taps.closure.case(MINE).acknowledged
    assert "<button" not in taps.client.get(link).text


def test_the_same_link_takes_the_next_escalation_too(taps: Taps) -> None:
    link = taps.link("mayor")
    taps.client.post(link)
    taps.escalate(to="city")
    assert "<button" in taps.client.get(link).text
    taps.client.post(link)
    assert [command.actor.id for command in taps.closure.commands] == ["duty:mayor"] * 2


def test_a_person_with_an_account_acts_as_it_until_it_is_disabled(taps: Taps) -> None:
    people = taps.world.access.people
    assert taps.client.post(taps.link("wang")).status_code == 200
    assert taps.closure.commands[0].actor.id == "wang.fang"
    people.disable("wang.fang")
    assert taps.client.get(taps.link("wang")).status_code == 403
    people.enable("wang.fang")


@pytest.mark.parametrize(
    ("person", "case_id"),
    [("nobody", MINE), ("gone", MINE), ("worker", MINE), ("li", FOREIGN), ("wang", FOREIGN), ("li", "QD-20261121-0000000000")],
)
def test_a_link_opens_nothing_for_whom_the_case_is_not(taps: Taps, person: str, case_id: str) -> None:
    taps.escalate(2)
    for method in ("GET", "POST"):
        refused = taps.client.request(method, taps.link(person, case_id))
        assert refused.status_code == 403
        assert case_id not in refused.text
    assert taps.closure.commands == []


def test_a_link_ends_after_twelve_hours(taps: Taps) -> None:
    assert taps.client.get(taps.link("li", ago=LASTS - timedelta(minutes=1))).status_code == 200
    ended = taps.link("li", ago=LASTS + timedelta(seconds=2))
    assert [taps.client.get(ended).status_code, taps.client.post(ended).status_code] == [410, 410]
    assert taps.closure.commands == []


def test_a_token_that_was_not_signed_here_is_nothing(taps: Taps) -> None:
    good = taps.link("li")
    strangers = Links(Secrets(*(bytes([9]) * 32 for _ in range(4)))).token(MINE, "li")
    session = taps.world.access.csrf_of("x")  # signed with the same key, for something else
    wrong = [
        good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1],  # the very last one has bits that mean nothing
        good[:-4],
        f"/ack/{strangers}",
        f"/ack/{session}",
        "/ack/x",
        f"/ack/{'x' * 9000}",
    ]
    assert [taps.client.get(link).status_code for link in wrong] == [404] * len(wrong)
    assert [taps.client.post(link).status_code for link in wrong] == [404] * len(wrong)
    assert taps.closure.commands == []


def test_what_did_not_go_up_or_went_higher_is_not_theirs_to_acknowledge(taps: Taps) -> None:
    taps.escalate(to="city")
    for link in (taps.link("li"), taps.link("wang")):
        shown = taps.client.get(link)
        assert (shown.status_code, "<button" in shown.text) == (200, False)
        assert "nothing to acknowledge" in taps.client.post(link).text
    assert taps.closure.commands == []


def test_an_answer_that_does_not_come_in_time_is_on_its_way(taps: Taps) -> None:
    taps.closure.silent = True
    assert taps.client.post(taps.link("li")).status_code == 202


def test_the_page_keeps_to_itself(taps: Taps) -> None:
    shown = taps.client.get(taps.link("mayor"))
    assert "&lt;b&gt;Mayor" in shown.text
    assert "<b>" not in shown.text
    assert "script" not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'self'" in shown.headers["content-security-policy"]


def test_somebody_who_tries_links_is_slowed_down(settings: Settings) -> None:
    slow = settings.model_copy(update={"rate_address": 5, "namespace": "t-taps-slow.", "local_dir": settings.local_dir / "slow"})
    with served(slow, Closure(slow)) as console, console.client as client:
        assert [client.get("/ack/x").status_code for _ in range(7)] == [404] * 5 + [429] * 2

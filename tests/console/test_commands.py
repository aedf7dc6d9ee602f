"""Commands over the API, decided by the real closure step: the outcome, whose case it is, whose command it is, and once only."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
import redis as engine

from adapters.bus import Out
from adapters.hot import Keys
from config.load import load_city
from config.settings import Settings
from console.answers import Answers
from incidents.case import Case, Position
from incidents.commands import Outcome
from incidents.errors import TryAgain
from incidents.facts import decode_command
from incidents.steps.closure import decide
from incidents.vocabulary import Role, State
from tests.console.served import Served, StandingClock, served
from tests.streams.fact_agents import a_fact

pytestmark = pytest.mark.stack

HERE, THERE = "370202", "370203"
OFFICE = f"sanitation-{HERE}"
MINE = str(a_fact(1).case_id)
FOREIGN = str(a_fact(2).case_id)


class Closure:
    """The bus, with closure at its other end: what is published is decided at once, moved in Redis and answered. `silent`: not answered."""

    def __init__(self, settings: Settings) -> None:
        self._city = load_city(settings)
        self._keys = Keys(settings.namespace, settings.city)
        self._redis = engine.Redis.from_url(settings.redis_url)
        self.commands: list[Any] = []
        self.silent = self.away = False

    def put(self, number: int, **changes: Any) -> Case:
        """A case as it stands in the hot store; it is there until the next one of this number."""
        fact = a_fact(number)
        place = fact.case.place.model_copy(update={"district": changes.pop("district", HERE)})
        case = fact.case.model_copy(update={"place": place, "level": "district", "revision": 1, **changes})
        self._redis.set(self._keys.case + case.case_id, case.model_dump_json())
        return case

    def case(self, case_id: str) -> Case:
        """The case now."""
        return Case.model_validate_json(self._redis.get(self._keys.case + case_id) or b"")

    def fill(self) -> None:
        """Say that the hot store is complete, and has forgotten what was asked."""
        for kind in (self._keys.asked, self._keys.reply):
            for key in self._redis.scan_iter(f"{kind}*"):
                self._redis.delete(key)
        self._redis.set(self._keys.ready, "test")

    def empty(self) -> None:
        """A hot store that is being rebuilt."""
        self._redis.delete(self._keys.ready)

    async def publish(self, outs: Iterable[Out]) -> None:
        """Decide what is published."""
        if self.away:
            raise TryAgain("Kafka: no broker")
        for out in outs:
            command, _ = decode_command(out.value, self._city.code)
            self.commands.append(command)
            applied = Position(topic_id="t", partition=0, offset=len(self.commands))
            decision = decide(self._city, self.case(command.case_id), command, StandingClock().now(), applied)
            if decision.case is not None:
                self._redis.set(self._keys.case + command.case_id, decision.case.model_dump_json())
            if not self.silent and decision.outcome is not None:
                self._redis.set(self._keys.reply + command.id, decision.outcome.model_dump_json(), ex=600)

    async def close(self) -> None:
        """Let go."""
        self._redis.close()


@pytest.fixture(scope="module")
def settings(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A namespace of these tests' own."""
    return Settings(redis_url=redis_server, local_dir=tmp_path_factory.mktemp("console"), namespace="t-commands.", city="qingdao")


@pytest.fixture(scope="module")
def closure(settings: Settings) -> Closure:
    """Closure, and the hot store."""
    return Closure(settings)


@pytest.fixture(scope="module")
def console(settings: Settings, closure: Closure) -> Iterator[Served]:
    """A console before it, which waits for answers for half a second."""
    with served(settings, closure) as console:
        console.world.commands.wait_s = 0.5
        yield console


@pytest.fixture(autouse=True)
def _filled(closure: Closure) -> None:
    closure.fill()
    closure.silent = closure.away = False
    closure.commands.clear()
    closure.put(1)
    closure.put(2, district=THERE)


@pytest.fixture(scope="module")
def lead(console: Served) -> Iterator[httpx.Client]:
    """A shift lead of the district."""
    with console.as_(Role.SHIFT_LEAD, level="district", district=HERE) as client:
        yield client


def give(client: httpx.Client, case_id: str, key: str, type: str = "file", match: int | None = None, **said: object) -> httpx.Response:  # noqa: A002
    """Give a command."""
    headers = {"Idempotency-Key": key} | ({} if match is None else {"If-Match": f'"{match}"'})
    return client.post(f"/api/v1/cases/{case_id}/commands", json={"type": type, **said}, headers=headers)


def test_a_command_is_answered_with_the_new_state(lead: httpx.Client) -> None:
    answer = give(lead, MINE, "k1")
    assert (answer.status_code, answer.json()) == (
        200,
        {"command_id": "k1", "case_id": MINE, "state": "filed", "sequence": 2, "revision": 2},
    )


def test_the_actor_is_the_signed_in_person_and_the_body_cannot_say_otherwise(lead: httpx.Client, closure: Closure) -> None:
    give(lead, MINE, "k1")
    [command] = closure.commands
    assert (command.actor.role, command.id) == (Role.SHIFT_LEAD, f"api:{command.actor.id}:k1")
    for name, value in (("actor", {"id": "system:x", "role": "system"}), ("target", {}), ("grounds", {}), ("case_id", FOREIGN)):
        asked = {"type": "file", "id": "k2", name: value}
        assert lead.post(f"/api/v1/cases/{MINE}/commands", json=asked).status_code == 422
    assert len(closure.commands) == 1


def test_the_same_key_and_body_is_one_command_with_one_answer(lead: httpx.Client, closure: Closure) -> None:
    first, second = give(lead, MINE, "k1"), give(lead, MINE, "k1")
    assert first.json() == second.json()
    assert len(closure.commands) == 1


def test_a_refusal_is_repeated_too(lead: httpx.Client, closure: Closure) -> None:
    first, second = (give(lead, MINE, "k1", "close") for _ in range(2))
    assert (first.status_code, first.json()) == (409, second.json())
    assert len(closure.commands) == 1


def test_the_same_key_with_another_body_is_refused(lead: httpx.Client, closure: Closure) -> None:
    give(lead, MINE, "k1")
    answer = give(lead, MINE, "k1", "not_file", reason="no such place")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:cityloop:problem:key_used")
    assert len(closure.commands) == 1


def test_another_persons_key_is_another_command(console: Served, lead: httpx.Client, closure: Closure) -> None:
    give(lead, MINE, "k1", "note", note="one")
    with console.as_(Role.DISPATCHER) as other:
        assert give(other, MINE, "k1", "note", note="two").status_code == 200
    assert len({command.id for command in closure.commands}) == 2


def test_a_case_that_changed_since_is_told_with_who_changed_it_and_when(lead: httpx.Client) -> None:
    give(lead, MINE, "k1")
    found = give(lead, MINE, "k2", "note", note="typed for long", match=1)
    problem = found.json()
    assert (found.status_code, problem["revision"], problem["state"]) == (409, 2, "filed")
    assert (problem["changed"]["fact"], problem["changed"]["actor"]["role"]) == ("filed", "shift_lead")
    assert problem["changed"]["at"]
    assert "expected revision 1" in problem["reason"]


def test_a_state_that_does_not_allow_it_says_what_does(lead: httpx.Client) -> None:
    problem = give(lead, MINE, "k1", "close").json()
    assert problem["status"] == 409
    assert "not_file" in problem["allowed"] and "close" not in problem["allowed"]


def test_a_role_that_never_may_is_403_with_what_it_may(console: Served, closure: Closure) -> None:
    with console.as_(Role.DISPATCHER) as dispatcher:
        problem = give(dispatcher, MINE, "k1", "file").json()
    assert (problem["status"], problem["state"]) == (403, "reported")
    assert "recategorise" in problem["allowed"]
    assert closure.commands == []


@pytest.mark.parametrize("command", ["overdue", "expire", "forget", "sight"])
def test_what_only_the_clock_and_intake_say_is_nobodys(lead: httpx.Client, closure: Closure, command: str) -> None:
    answer = give(lead, MINE, f"k-{command}", command)
    assert answer.status_code in (403, 409)
    assert all(each.actor.role is Role.SHIFT_LEAD for each in closure.commands)


@pytest.mark.parametrize("case_id", [FOREIGN, "QD-20261121-NOSUCHCASE"], ids=["foreign", "none"])
def test_a_foreign_case_does_not_exist(lead: httpx.Client, closure: Closure, case_id: str) -> None:
    answers = [give(lead, case_id, "k1"), give(lead, MINE, "k2", "merge", into=case_id)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == f"there is no case {case_id!r} that you may see"
    assert closure.commands == []


def test_a_units_people_act_on_what_their_unit_has_in_any_district(console: Served, closure: Closure) -> None:
    closure.put(2, district=THERE, state=State.DISPATCHED, unit=OFFICE)
    with console.as_(Role.UNIT, unit=OFFICE) as unit:
        assert give(unit, MINE, "k1", "accept").status_code == 404
        assert give(unit, FOREIGN, "k2", "accept").json()["state"] == "handling"


def test_nobody_answering_in_time_is_202_and_the_answer_comes_later(lead: httpx.Client, closure: Closure, settings: Settings) -> None:
    closure.silent = True
    answer = give(lead, MINE, "k1")
    assert (answer.status_code, answer.headers["location"]) == (202, "/api/v1/commands/k1")
    assert lead.get("/api/v1/commands/k1").status_code == 202
    outcome = Outcome(command_id=closure.commands[0].id, accepted=True, state=State.FILED, sequence=2, revision=2)
    keys = Keys(settings.namespace, settings.city)
    with engine.Redis.from_url(settings.redis_url) as store:
        store.set(keys.reply + outcome.command_id, outcome.model_dump_json())
    assert lead.get("/api/v1/commands/k1").json()["state"] == "filed"
    assert give(lead, MINE, "k1").json()["state"] == "filed"
    assert len(closure.commands) == 1


def test_an_outcome_is_only_for_who_gave_the_command(console: Served, lead: httpx.Client) -> None:
    give(lead, MINE, "k1")
    with console.as_(Role.DISPATCHER) as other:
        assert other.get("/api/v1/commands/k1").status_code == 404


def test_a_bus_that_is_away_is_503_and_the_same_key_works_when_it_is_back(lead: httpx.Client, closure: Closure) -> None:
    closure.away = True
    assert give(lead, MINE, "k1").status_code == 503
    closure.away = False
    assert give(lead, MINE, "k1").json()["state"] == "filed"


def test_while_the_hot_store_is_filled_a_case_is_not_said_to_be_missing(lead: httpx.Client, closure: Closure) -> None:
    closure.empty()
    assert give(lead, "QD-20261121-NOSUCHCASE", "k1").status_code == 503


def test_many_commands_have_an_outcome_each(lead: httpx.Client, closure: Closure) -> None:
    asked = [
        {"id": "b1", "case_id": MINE, "type": "file"},
        {"id": "b2", "case_id": FOREIGN, "type": "file"},
        {"id": "b3", "case_id": MINE, "type": "close"},
        {"id": "b4", "case_id": MINE, "type": "accept"},
        {"id": "b5", "case_id": MINE, "type": "note", "note": "late", "revision": 0},
    ]
    outcomes = lead.post("/api/v1/commands", json={"commands": asked}).json()["outcomes"]
    assert [(each["command_id"], each["status"]) for each in outcomes] == [("b1", 200), ("b2", 404), ("b3", 409), ("b4", 403), ("b5", 409)]
    assert outcomes[0]["state"] == "filed"
    assert outcomes[4]["problem"]["changed"]["fact"] == "filed"
    assert [command.type for command in closure.commands] == ["file", "close", "note"]


@pytest.mark.parametrize("many", [0, 201])
def test_many_is_one_to_two_hundred(lead: httpx.Client, many: int) -> None:
    asked = [{"id": f"b{at}", "case_id": MINE, "type": "file"} for at in range(many)]
    assert lead.post("/api/v1/commands", json={"commands": asked}).status_code == 422


def test_a_command_needs_a_key_and_only_one(lead: httpx.Client) -> None:
    assert lead.post(f"/api/v1/cases/{MINE}/commands", json={"type": "file"}).status_code == 422
    assert give(lead, MINE, "k1", id="k2").status_code == 422
    assert lead.post(f"/api/v1/cases/{MINE}/commands", json={"type": "file", "id": "k3"}).status_code == 200


def test_every_command_is_in_the_journal(console: Served, lead: httpx.Client) -> None:
    give(lead, MINE, "journalled")
    with console.as_(Role.AUDITOR) as auditor:
        entries = auditor.get("/api/v1/journal", params={"kind": "command"}).json()["entries"]
    assert any(MINE in str(entry) and "journalled" in str(entry) and "file" in str(entry) for entry in entries)


def test_presence_is_for_cases_of_the_scope_and_gone_when_left(console: Served, lead: httpx.Client) -> None:
    said = lead.post(f"/api/v1/cases/{MINE}/presence", json={"doing": "handling"})
    assert (said.status_code, said.json()["doing"]) == (200, "handling")
    assert lead.post(f"/api/v1/cases/{FOREIGN}/presence", json={"doing": "viewing"}).status_code == 404
    assert lead.post(f"/api/v1/cases/{MINE}/presence", json={"doing": "left"}).status_code == 200


def test_waiters_share_one_look_and_nobody_waiting_is_no_look() -> None:
    class Asked:
        looks = 0

        async def answered(self, ids: list[str]) -> dict[str, Outcome]:
            self.looks += 1
            return {each: Outcome(command_id=each, accepted=True) for each in ids} if self.looks > 2 else {}

    async def story() -> None:
        asked = Asked()
        answers = Answers(asked)  # type: ignore[arg-type]  # its twin
        task = asyncio.create_task(answers.run())
        found = await asyncio.gather(*(answers.wait(f"c{at % 50}", 5) for at in range(100)))
        assert all(outcome is not None for outcome in found)
        looks = asked.looks
        assert await answers.wait("late", 0.001) is None or asked.looks > looks
        assert looks == 3
        task.cancel()

    asyncio.run(story())

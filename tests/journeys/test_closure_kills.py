"""Closure over the real Kafka and Redis, killed where it hurts: the facts of a case stay one line without gap or fork."""

from collections.abc import Iterable

import pytest

from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.commands import Actor, Command, Evidence, system
from incidents.events import CaseId
from incidents.facts import encode_command
from incidents.vocabulary import CommandType, Role
from tests.incidents.closing import START, opening, sight
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, facts, of_case, send_raw
from tests.waiting import until

PHOTO = (Evidence(sha256="ab" * 32),)
UNIT = "sanitation-370202"
CASES = tuple(CaseId(f"QD-20261121-KK{number:08}") for number in range(3))
WHOLE = ["opened", "filed", "dispatched", "accepted", "handled", "check_passed", "closed"]


def life(case_id: CaseId) -> Iterable[Command]:
    """All that takes a case from its first sight to its end, without routing."""
    row = {"category": "road_spillage", "place": {"lon": 120.38, "lat": 36.06, "accuracy_m": 15, "district": "370202"}}
    yield sight(id=f"{case_id}:sight", case_id=case_id, opening=opening(**row))
    steps: tuple[tuple[CommandType, Actor, dict[str, object]], ...] = (
        (CommandType.FILE, system("test"), {}),
        (CommandType.DISPATCH, system("test"), {"unit": UNIT}),
        (CommandType.ACCEPT, Actor(id="u", role=Role.UNIT, unit=UNIT), {}),
        (CommandType.REPORT_HANDLED, Actor(id="u", role=Role.UNIT, unit=UNIT), {"evidence": PHOTO}),
        (CommandType.PASS_CHECK, Actor(id="c", role=Role.CHECKER), {"evidence": PHOTO}),
    )
    for kind, actor, arguments in steps:
        head = {"id": f"{case_id}:{kind}", "case_id": case_id, "type": kind, "actor": actor}
        yield Command.model_validate(head | arguments)


def give(settings: Settings, commands: Iterable[Command]) -> None:
    """Put commands on `cases.commands`."""
    records = [(each.case_id.encode(), encode_command(each, START, "QD", "qingdao")) for each in commands]
    send_raw(settings, records, topic=CASE_COMMANDS.name)


def one_line(found: list[Json], case_id: str) -> list[Json]:
    """A case's facts, each once; fails when one sequence was said with two contents."""
    own = [each for each in found if each["data"]["case_id"] == case_id]
    first: dict[int, Json] = {}
    for each in own:
        assert first.setdefault(each["sequence"], each) == each, f"fork of {case_id} at {each['sequence']}"
    return [first[sequence] for sequence in sorted(first)]


@pytest.mark.parametrize("point", ["closure:published", "closure:applied"])
def test_killed_between_its_steps_closure_goes_on_where_it_was(settings: Settings, worker: NewWorker, point: str) -> None:
    for case_id in CASES:
        give(settings, list(life(case_id))[:4])
        dying = worker(settings, "--only", "closure", ready=False, CITYLOOP_FAULT=point)
        assert until(dying.ended, f"the worker to die at {point}", 40) == -9
        give(settings, list(life(case_id))[4:])
    worker(settings, "--only", "closure")
    found = facts(settings, lambda seen: all("closed" in of_case(seen, case_id) for case_id in CASES))
    for case_id in CASES:
        line = one_line(found, case_id)
        assert [each["sequence"] for each in line] == list(range(1, 8))
        assert [each["type"].split(".")[2] for each in line] == WHOLE


def test_whoever_waits_for_a_deadline_may_die_and_it_fires_once_all_the_same(settings: Settings, worker: NewWorker) -> None:
    """The post's fifteen minutes, on a clock of 600: one worker dies while they run, one with the lease in its hand, a third one fires."""
    settings = settings.model_copy(update={"clock": "x600@2026-11-21T08:00+08:00"})
    first = worker(settings, "--only", "closure")
    for case_id in CASES:
        give(settings, list(life(case_id))[:3])
    facts(settings, lambda seen: all("dispatched" in of_case(seen, case_id) for case_id in CASES))
    first.kill()
    second = worker(settings, "--only", "closure,clock", ready=False, CITYLOOP_FAULT="clock:claimed")
    assert until(second.ended, "the worker to die with the lease", 40) == -9
    third = worker(settings, "--only", "closure,clock")
    found = facts(settings, lambda seen: all("reminded" in of_case(seen, case_id) for case_id in CASES))
    for case_id in CASES:
        stages = [each for each in one_line(found, case_id) if str(each["data"].get("deadline")).startswith("stage:")]
        assert len(stages) == 1
    assert third.metric("cityloop_deadlines_due_unfired") == 0
    assert third.metric("cityloop_deadlines_fired_total", kind="stage") == len(CASES)

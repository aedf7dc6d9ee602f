"""The main job over real servers: a report on Kafka becomes a verified closure, by a worker that knows the client only by its records."""

import json
from typing import Any

from config.settings import Settings
from config.topics import CASES_LATEST, FATES
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, command, facts, following, of_case, report, send
from tests.journeys.process import ask

PHOTO = [{"sha256": "ab" * 32, "media_type": "image/jpeg"}]


def opened(found: list[Json], source: str) -> list[str]:
    """The cases that a source's reports opened."""
    return [each["data"]["case_id"] for each in found if each["type"].endswith(".opened.v1") and each["data"]["case"]["source"] == source]


def last(found: list[Json], case_id: str) -> Json:
    """The last fact of a case."""
    return [each for each in found if each["data"]["case_id"] == case_id][-1]


def latest(settings: Settings, case_id: str) -> Json:
    """The case on `cases.latest`, as soon as it is closed there."""
    with following(settings, CASES_LATEST.name) as records:
        for record in records(20):
            if record is not None and record.key == case_id.encode():
                case: Json = json.loads(record.value)
                if case["state"] == "closed":
                    return case
    raise AssertionError(f"{case_id} is not closed on cases.latest")


def told(settings: Settings, many: int) -> list[Any]:
    """The rows of the fates, until they cover so many reports."""
    rows: list[Any] = []
    with following(settings, FATES.name) as records:
        for record in records(20):
            rows += json.loads(record.value).get("fates", []) if record is not None else []
            if sum(len(row[4]) for row in rows) >= many:
                return rows
    raise AssertionError(f"fates of {many} reports did not come: {rows}")


def test_a_report_is_filed_dispatched_handled_checked_and_closed(settings: Settings, worker: NewWorker) -> None:
    worker(settings)
    send(settings, report(1))
    found = facts(settings, lambda seen: any(each["type"] == "city.case.dispatched.v1" for each in seen))
    [case_id] = opened(found, "/cameras/1")
    assert of_case(found, case_id) == ["opened", "filed", "dispatched"]
    unit = last(found, case_id)["data"]["case"]["unit"]
    assert unit == "sanitation-370202", "the sanitation office of Shinan, where the point lies"

    worker_of_unit = {"id": "王芳", "role": "unit", "unit": unit}
    command(settings, case_id, "accept", actor=worker_of_unit)
    command(settings, case_id, "report_handled", actor=worker_of_unit, evidence=PHOTO)
    command(settings, case_id, "pass_check", actor={"id": "李强", "role": "checker", "unit": "collectors-370202"}, evidence=PHOTO)
    found = facts(settings, lambda seen: of_case(seen, case_id)[-1:] == ["closed"])
    assert of_case(found, case_id) == ["opened", "filed", "dispatched", "accepted", "handled", "check_passed", "closed"]
    ours = [each for each in found if each["data"]["case_id"] == case_id]
    assert [each["sequence"] for each in ours] == [1, 2, 3, 4, 5, 6, 7]

    assert latest(settings, case_id) == ours[-1]["data"]["case"]


def test_the_same_event_changes_nothing_a_near_camera_joins_a_far_one_does_not(settings: Settings, worker: NewWorker) -> None:
    worker(settings)
    first = report(1)
    send(settings, first)
    found = facts(settings, lambda seen: opened(seen, "/cameras/1"))
    [case_id] = opened(found, "/cameras/1")
    send(settings, first, report(2, "/cameras/2", east_m=20, ago_s=50), report(3, east_m=2000, ago_s=40))
    found = facts(settings, lambda seen: len(opened(seen, "/cameras/1")) == 2 and "sighted" in of_case(seen, case_id))
    assert opened(found, "/cameras/2") == []
    sighted = next(each for each in found if each["type"] == "city.case.sighted.v1")
    assert {source: total["count"] for source, total in sighted["data"]["case"]["totals"].items()} == {"/cameras/1": 1, "/cameras/2": 1}

    verdicts = sorted((row[1], row[2].split()[0]) for row in told(settings, 4))
    assert verdicts == [("merged", "same_place"), ("opened", "opened"), ("opened", "opened"), ("resent", "resent")]
    audit = ask(settings, "audit", "--json")
    figures = json.loads(audit.stdout)
    assert audit.returncode == 0, audit.stdout
    assert {name: figures[name] for name in ("reported", "opened", "merged", "resent", "lost")} == {
        "reported": 4,
        "opened": 2,
        "merged": 1,
        "resent": 1,
        "lost": 0,
    }


def test_a_refused_command_changes_nothing_and_says_who_may(settings: Settings, worker: NewWorker) -> None:
    worker(settings)
    send(settings, report(1))
    found = facts(settings, lambda seen: any(each["type"] == "city.case.dispatched.v1" for each in seen))
    [case_id] = opened(found, "/cameras/1")
    refused = ask(settings, "case", "command", case_id, "accept", "--as", "unit:赵六:lighting-370202")
    assert refused.returncode == 1
    assert "sanitation-370202" in refused.stdout + refused.stderr, "it names the unit that may"
    accepted = ask(settings, "case", "command", case_id, "accept", "--as", "unit:王芳:sanitation-370202")
    assert accepted.returncode == 0, accepted.stderr
    found = facts(settings, lambda seen: of_case(seen, case_id)[-1:] == ["accepted"])
    assert of_case(found, case_id) == ["opened", "filed", "dispatched", "accepted"]

"""A name, a phone number, a plate, a unit and a floor, sent in over both edges, also in reports that are rejected and in bodies that are
broken, stand nowhere: no Kafka log, Redis dump, SQL file or process log. Who may open them gets exactly what was sent."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
import redis
from kafka import KafkaConsumer, TopicPartition

from adapters.database import open_database
from adapters.stack_engines import free_port
from config.load import load_city
from config.settings import ROOT, Settings
from config.topics import TOPICS
from incidents.vocabulary import Role
from tests.conftest import environment
from tests.console.door import a_door, bearer
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import facts, report
from tests.journeys.process import Worker, ask
from tests.servers import die_with_us
from tests.stack.commands import bare_environment
from tests.waiting import until

pytestmark = pytest.mark.stack

Json = dict[str, Any]
NAME, PHONE, PLATE, IMPOSSIBLE, UNIT, FLOOR = "欧阳秘封", "13977008866", "鲁U9H7K2", "鲁I9H7K2", "单元-U7731", "楼层-F8842"
SECRETS = (NAME, PHONE, PLATE, IMPOSSIBLE, UNIT, FLOOR)
OPEN = "车身带泥上路-6613"
PERSON = {"name": NAME, "phone": PHONE}
HOME = {"id": "B-7", "unit": UNIT, "floor": FLOOR}
PURPOSE = "回访来电人，核实处理结果"

REASONS = {"bad_plate", "duplicate_keys", "empty_key", "invalid_shape", "invalid_value", "out_of_bounds", "too_old", "unknown_category"}
"""Why intake rejects the bad ones of a file; what `replay` cannot read has the empty key."""


def said(number: int, source: str, *, east_m: float = 0, **data: Any) -> Json:
    return report(number, source, east_m=east_m, **data)


def all_of_it(number: int, source: str, **data: Any) -> Json:
    """A call that says everything."""
    call = {"category": "muck_truck_mud", "channel": "hotline", "plate": PLATE, "building": HOME, "reporter": PERSON, "description": OPEN}
    return said(number, source, **(call | data))


def bad_ones(source: str) -> list[bytes]:
    """What an edge, or intake, refuses; all of it with somebody's data in it."""
    good = json.dumps(all_of_it(50, source), ensure_ascii=False).encode()
    events = [
        all_of_it(51, source, category="nothing_we_know"),
        all_of_it(52, source) | {"time": "2020-01-01T00:00:00+08:00"},
        all_of_it(53, source, location={"lon": 36.0, "lat": 120.0}),
        all_of_it(54, source, plate=IMPOSSIBLE),
        all_of_it(55, source, reporter=f"{NAME} {PHONE}"),
        all_of_it(56, source, reporter={"name": NAME, "phone": [PHONE]}),
        all_of_it(57, source, building=[HOME]),
        {"data": all_of_it(58, source)["data"]},
    ]
    broken = [
        good[:-9],
        good.replace(b'"name"', b'"phone"'),
        b"[[" + good + b"]]",
        good + b"}",
        f"{NAME},{PHONE},{PLATE}".encode(),
        good + b"\xff",
    ]
    return [*(json.dumps(event, ensure_ascii=False).encode() for event in events), json.dumps(events[4]).encode(), *broken]


class Console:
    """A real `cityloop console`."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        port = free_port()
        variables = environment(settings) | {"CITYLOOP_HTTP_PORT": port}
        with log.open("ab") as file:
            words = [*die_with_us(), sys.executable, "-m", "cli", "console"]
            self._process = subprocess.Popen(words, cwd=ROOT, env=bare_environment(**variables), stdout=file, stderr=file)
        with closing(open_database(settings)) as database:
            database.upgrade()
            head = bearer(a_door(settings, load_city(settings), database), Role.SHIFT_LEAD)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=head, timeout=30)
        until(self._answers, "the console to answer")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/api/v1/session").status_code == 200
        except httpx.TransportError:
            return False

    def post(self, values: list[bytes], path: str = "/api/v1/events") -> httpx.Response:
        return self.client.post(path, content=b"[" + b",".join(values) + b"]", headers={"Content-Type": "application/json"})

    def stop(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Iterator[Console]:
    started = Console(settings, tmp_path / "console.log")
    yield started
    started.stop()


def written(secret: str) -> set[bytes]:
    """The ways in which a value may stand in a file."""
    escaped = json.dumps(secret)[1:-1]
    return {each.encode() for each in (secret, escaped, escaped.replace("\\", "\\\\"), quote(secret))} | {secret.encode("utf-16-le")}


def holding(places: dict[str, bytes], *secrets: str) -> list[tuple[str, str]]:
    """Which secret stands where."""
    return [
        (where, secret) for where, held in places.items() for secret in secrets or SECRETS if any(form in held for form in written(secret))
    ]


def on_kafka(settings: Settings, folder: Path) -> dict[str, bytes]:
    """The broker's files as they are, and every record of ours as a consumer gets it: batches may be compressed."""
    topics = (folder / "log").glob(f"{settings.namespace}*")  # others' may be under deletion, and vanish while they are listed
    found = {name: held for topic in topics for name, held in below(topic).items()}
    assert any(path.endswith(".log") for path in found)
    with closing(KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, group_id=None, auto_offset_reset="earliest")) as consumer:
        names = [settings.named(topic.name) for topic in TOPICS]
        parts = [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name) or ()]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for record in [record for batch in consumer.poll(timeout_ms=500).values() for record in batch]:
                where = f"{record.topic} {record.partition}:{record.offset}"
                found[where] = b"\n".join([record.key or b"", record.value or b"", *(held for _, held in record.headers)])
    return found


def in_redis(url: str) -> dict[str, bytes]:
    """Its append-only file and a dump, uncompressed."""
    with closing(redis.Redis.from_url(url)) as client:
        client.config_set("rdbcompression", "no")
        client.save()
        folder = Path(str(client.config_get("dir")["dir"]))
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, SQLite's write-ahead log and process logs among them."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def case_of(settings: Settings, source: str) -> str:
    """The case that this source opened, with everything about it told."""
    found = facts(settings, lambda found: any(each["data"]["case"]["source"] == source for each in found))
    return str(next(each["data"]["case_id"] for each in found if each["data"]["case"]["source"] == source))


def opened(console: Console, case_id: str) -> Json:
    """What an authorised person gets of a case, once the tables have it."""
    path = f"/api/v1/cases/{case_id}"
    until(lambda: console.client.get(path).status_code == 200, f"{case_id} in the tables")
    assert holding({"the case as shown": console.client.get(path).content}) == []
    answer = console.client.post(f"{path}/unseal", json={"purpose": PURPOSE})
    assert answer.status_code == 200, answer.text
    values: Json = answer.json()["values"]
    return {path.split(".", 2)[2].removeprefix("values."): value for path, value in values.items()}


def send_in(settings: Settings, console: Console, folder: Path) -> None:
    """Everything over both edges."""
    good = [all_of_it(1, "/hotline/api"), all_of_it(2, "/cameras/api", channel="low_video", category="road_spillage", reporter=None)]
    answer = console.post([orjson.dumps(each) for each in good])
    assert answer.status_code == 202, answer.text
    refused = bad_ones("/hotline/bad-api")
    for value in refused:
        answer = console.client.post("/api/v1/events", content=value, headers={"Content-Type": "application/json"})
        assert answer.status_code in (413, 422), (answer.status_code, value)
        assert holding({"a refusal": answer.content}) == []
    assert console.post(refused[:8], "/api/v1/events?partial=true").status_code == 422

    file = folder / "reports.jsonl"
    lines = [
        all_of_it(3, "/hotline/file", category="exposed_waste"),
        said(4, "/cameras/9", east_m=9000, plate=PLATE, category="muck_truck_mud"),
    ]
    file.write_bytes(b"\n".join([*(orjson.dumps(each) for each in lines), *bad_ones("/hotline/bad-file")]) + b"\n")
    done = ask(settings, "replay", str(file))
    file.unlink()
    assert done.returncode == 0, done.stderr
    (folder / "replay.log").write_text(done.stdout + done.stderr)


def test_what_is_personal_stands_nowhere_and_is_opened_exactly(
    settings: Settings, console: Console, worker: NewWorker, server_folder: Path, tmp_path: Path
) -> None:
    running: Worker = worker(settings)
    send_in(settings, console, tmp_path)
    until(lambda: running.metric("cityloop_rejected_total") >= len(bad_ones("")), "every bad line of the file to be rejected")

    whole = {"plate": PLATE, "building.unit": UNIT, "building.floor": FLOOR, "reporter.name": NAME, "reporter.phone": PHONE}
    for source in ("/hotline/api", "/hotline/file"):
        assert opened(console, case_of(settings, source)) == whole
    joined = facts(settings, lambda found: any("/cameras/9" in each["data"]["case"]["totals"] for each in found))
    case = joined[-1]["data"]["case"]
    assert {"/hotline/api", "/cameras/9"} <= case["totals"].keys(), "the sealed plate of another edge is the same plate"

    letters = ask(settings, "deadletters", "list", "--limit", "0", "--json")
    (tmp_path / "letters.log").write_text(letters.stdout)
    reasons = {letter["error-reason"] for letter in json.loads(letters.stdout)}
    assert reasons == REASONS

    console.stop()
    running.stop()
    kafka, hot, here = on_kafka(settings, server_folder / "kafka"), in_redis(settings.redis_url), below(tmp_path)
    assert all(holding(places, OPEN) for places in (kafka, hot, here)), "what nobody sealed is found in all of them"
    assert {"console.log", "worker-0.log", "replay.log", "qingdao.sqlite"} <= {
        Path(path).name.removeprefix(settings.namespace) for path in here
    }
    assert holding(kafka | hot | here) == []

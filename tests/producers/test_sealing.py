"""The producers' edge: whatever a source gives, nothing personal reaches the bus in clear, and the pipeline decides as if it had."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.seals import Sealer, open_sealer
from cli.main import run as cityloop
from config.load import load_city
from config.mappings import load_mapping
from config.settings import ROOT, Settings
from incidents.catalogue import City
from incidents.errors import BadReport, TryAgain
from incidents.sealing import seals_of_report
from incidents.steps import intake
from producers.base import Item, Source
from producers.run import run
from producers.sealing import SealedBus
from producers.simulation.plan import SimulationOptions
from producers.sources.replay import Replay
from producers.sources.simulate import Simulation
from tests.conftest import Place
from tests.rehearsal.files import at, report, written

Json = dict[str, Any]


class Kept:
    """A bus that keeps what it gets."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    @property
    def sent(self) -> int:
        return len(self.values)

    def send(self, key: bytes | None, value: bytes | None) -> None:
        self.values.append(value)

    def durable(self) -> int:
        return len(self.values)

    def flush(self, timeout_s: float) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> Settings:
    return Place(tmp_path, "nowhere:1", "redis://nowhere:1").settings()


@pytest.fixture
def sealer(world: Settings) -> Iterator[Sealer]:
    with open_sealer(world) as opened:
        yield opened


@pytest.fixture
def qingdao(world: Settings) -> City:
    return load_city(world)


@pytest.fixture
def sent(sealer: Sealer) -> Callable[[Source], list[bytes | None]]:
    """What a source comes to behind the edge."""

    def call(source: Source) -> list[bytes | None]:
        kept = Kept()
        outcome = run(source, SealedBus(kept, sealer.seal_value))
        assert not outcome.failure and outcome.durable == outcome.sent == len(kept.values)
        return kept.values

    return call


def simulated(city: City, **options: object) -> Simulation:
    given = {"start": "2026-11-21T10:00+08:00", "cameras": 300, "rate": 0.5, "life_minutes": 5, "count": 3000, "resent": 0.02} | options
    return Simulation(city, None, SimulationOptions.model_validate(given))


def personal(value: bytes | None) -> Json:
    """The personal values of a simulated report, plain or sealed."""
    data = json.loads(value or b"{}").get("data", {})
    building = {name: held for name, held in (data.get("building") or {}).items() if name != "id"}
    found = building | (data.get("reporter") or {}) | {"plate": data.get("plate")}
    return {name: held for name, held in found.items() if held is not None}


def test_a_simulated_city_leaves_sealed_and_otherwise_as_it_is(
    sent: Callable[[Source], list[bytes | None]], sealer: Sealer, qingdao: City
) -> None:
    plain = [item.value for item in simulated(qingdao).items()]
    sealed = sent(simulated(qingdao))
    people = [(one, other) for one, other in zip(plain, sealed, strict=True) if personal(one)]
    assert len(people) > 200 and all(one == other for one, other in zip(plain, sealed, strict=True) if not personal(one))
    assert {name for one, _ in people for name in personal(one)} == {"name", "phone", "plate", "unit", "floor"}
    for one, other in people:
        opened = {
            each.found.bound.field.rpartition(".")[2]: each.value for each in sealer.open(seals_of_report(orjson.loads(other or b"")))
        }
        assert opened == personal(one) and all(set(seal) == {"sealed", "key", "match"} for seal in personal(other).values())


def test_the_pipeline_decides_on_sealed_reports_as_on_plain_ones(
    sealer: Sealer, qingdao: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = [item.value for item in simulated(qingdao).items() if item.value]
    truck: Json = {"category": "muck_truck_mud", "plate": "鲁B12345"}
    thrown: Json = {"category": "littering_from_height", "building": {"id": "B-1", "unit": "2", "floor": 11}}
    seen = [(1, "10:20:00", truck), (2, "10:25:00", truck), (3, "10:26:00", truck | {"plate": "鲁B54321"})]
    seen += [(4, "10:27:00", thrown), (5, "10:28:00", thrown | {"building": {"id": "B-1", "floor": 12}})]
    reports = [report(n, f"/cameras/{n}", at(21, clock), east_m=200 * n, **data) for n, clock, data in seen]
    lines = [*plain, *(orjson.dumps(each) for each in reports)]

    def rehearsed(name: str, values: list[bytes]) -> Json:
        (tmp_path / name).write_bytes(b"\n".join(values) + b"\n")
        assert cityloop(["rehearse", str(tmp_path / name), "--json"]) == 0
        found: Json = json.loads(capsys.readouterr().out)
        return found

    sealed = [sealer.seal_value(value) or b"" for value in lines]
    assert sealed != lines
    one, other = rehearsed("reports.jsonl", lines), rehearsed("reports.jsonl", sealed)
    assert one == other and one["merges"]["same_plate"] > 5 and one["merges"]["same_building"] > 0


def test_a_hotlines_calls_are_sealed_behind_their_mapping(
    sent: Callable[[Source], list[bytes | None]], sealer: Sealer, qingdao: City, tmp_path: Path
) -> None:
    mapping = load_mapping("hotline12345", ROOT / "config", "qingdao")
    row = dict.fromkeys(mapping.columns, "") | {mapping.id: "7", mapping.fields["reporter.name"]: "王芳"}
    row |= {mapping.fields["reporter.phone"]: "13800138000", mapping.time.column: "2026-11-21 10:00:00", mapping.fields["category"]: "0114"}
    file = written(tmp_path / "calls.jsonl", [row], '{"broken 13800138000 王芳', "13800138000")
    values = sent(Replay(file, mapping, "QD", "qingdao"))
    assert len(values) == 3 and not any(word in (value or b"") for value in values for word in (b"13800138000", "王芳".encode()))
    opened = sealer.open(found for value in values for found in seals_of_report(orjson.loads(value or b"")))
    assert {each.value for each in opened} == {"王芳", "13800138000", '{"broken 13800138000 王芳'}


def test_bad_input_keeps_its_reason(sealer: Sealer, qingdao: City) -> None:
    def reason(value: bytes | None) -> str | None:
        try:
            event = intake.read(value)
            intake.identity(event["data"], intake.category_of(event, qingdao))
            intake.moment(event)
        except BadReport as error:
            return str(error.reason)
        return None

    for item in simulated(qingdao, bad=0.9, count=1000).items():
        assert reason(sealer.seal_value(item.value)) == reason(item.value)


class Away:
    """A source whose second record wants a key."""

    problems: tuple[str, ...] = ()
    problem_count = left_out = 0

    def items(self) -> Iterator[Any]:
        yield Item(None, b"a", orjson.dumps(report(1, "/a", at(21, "10:00:00"))))
        yield Item(None, b"b", orjson.dumps(report(2, "/b", at(21, "10:00:00"), plate="鲁B12345")))

    def progress(self) -> float | None:
        return None


def test_without_keys_a_run_ends_and_sends_nothing_in_clear() -> None:
    def seal(value: bytes | None) -> bytes | None:
        if b"plate" in (value or b""):
            raise TryAgain("the database: it is away")
        return value

    kept = Kept()
    outcome = run(Away(), SealedBus(kept, seal))
    assert outcome.failure == "the database: it is away" and (outcome.sent, outcome.durable) == (1, 1)


@pytest.mark.parametrize("words", [["simulate", "--count", "1"], ["replay", "none.jsonl"], ["produce", "replay", "file=none.jsonl"]])
def test_a_producer_without_secrets_refuses_and_says_what_to_do(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CITYLOOP_SECRETS_DIR", raising=False)
    monkeypatch.setenv("CITYLOOP_LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("CITYLOOP_KAFKA_BOOTSTRAP", "kafka.city:9092")
    assert cityloop(words) == 2
    assert "cityloop secrets init" in capsys.readouterr().err

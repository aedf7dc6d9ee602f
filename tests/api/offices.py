"""A served console with two districts for tests from outside: people of every role in each, cases, pictures and commands of each."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import redis as engine

from adapters.bus import Out
from adapters.evaluation_store import Counting, Sheets, evaluation_file
from adapters.hot import Keys
from adapters.told_reports import ReportLog
from config.settings import Settings
from config.topics import CASE_COMMANDS
from console.example_values import TOLD, TOTAL
from incidents.case import Case, Role
from incidents.facts import encode_fact
from incidents.rights import BLIND
from tests.adapters.pictures import phone_jpeg, scene
from tests.api.town import UNIT, A, B, Town
from tests.console.served import Served, served
from tests.console.test_commands import Closure
from tests.streams.fact_agents import frame_of

SEEING = tuple(role for role in Role if role not in BLIND)
KEPT_APART = {A: "a-command", B: "b-command"}
WORDS = {A: "崂山路积水", B: "延安路渣土"}


class Bus(Closure):
    """Closure decides commands; reports and positions are durable and nobody reads them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._topic = settings.named(CASE_COMMANDS.name)

    async def publish(self, outs: Iterable[Out]) -> None:
        """See Closure."""
        await super().publish([out for out in outs if out.topic == self._topic])


@dataclass
class Offices:
    """`people[district][role]` asks as that role of that district; `ids[district][kind]` are the ids of its things, by parameter name."""

    console: Served
    town: Town
    people: dict[str, dict[Role, httpx.Client]] = field(default_factory=dict)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def everything_of_a(self) -> list[str]:
        """What nobody of B may be shown: ids of A's cases and pictures, and words that stand in one of its cases."""
        cases = [case_id for case_id, desk in self.town.desks.items() if desk.open.place.district == A]
        return [*cases, self.ids[A]["sha256"], self.ids[A]["silence_id"], WORDS[A]]


@contextmanager
def offices(redis_url: str, folder: Any) -> Iterator[Offices]:
    """The two of them, until the block ends."""
    namespace = f"t{uuid.uuid4().hex[:8]}."
    settings = Settings(redis_url=redis_url, local_dir=folder, namespace=namespace, city="qingdao", rate_token=10_000_000)
    closure = Bus(settings)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("report", "of_case"):
            patch.setattr(ReportLog, name, getattr(StandingLog, name))
        patch.setattr(ReportLog, "case_id", "QD-20261121-0000000001", raising=False)
        console = stack.enter_context(served(settings, closure))
        made = Offices(console, Town(console.world.city))
        for number, district in enumerate((A, B)):
            made.people[district] = {role: stack.enter_context(_client(console, role, district)) for role in SEEING}
            _settle(made, district, 10 * number)
        made.town.keep(console.world.database)
        _tell(made, settings, closure)
        _evaluate(made, settings)
        for district in (A, B):
            _act(made, district)
        yield made


def _evaluate(made: Offices, settings: Settings) -> None:
    """The sheets as the worker keeps them."""
    sheets = Sheets(evaluation_file(settings), Counting.of(made.town.city))
    sheets.positions("t1")
    sheets.take([encode_fact(fact) for fact in made.town.facts], {0: 1})
    sheets.close()


class StandingLog:
    """A log of reports without Kafka: whatever is asked for opened A's case."""

    case_id: str

    def report(self, source: str, report_id: str, around: datetime) -> list[dict[str, Any]]:
        """See ReportLog."""
        about = {name: TOLD[name] for name in TOLD if name not in ("case_state", "merged_into")}
        return [{**about, "source": source, "id": report_id, "case_id": self.case_id}]

    def of_case(self, case: Case, limit: int) -> dict[str, Any]:
        """See ReportLog."""
        row = {name: TOLD[name] for name in TOLD if name not in ("case_state", "merged_into", "category", "channel", "appended_at")}
        return {"report_count": 1, "sources": [TOTAL], "reports": [{**row, "case_id": case.case_id}]}


def _client(console: Served, role: Role, district: str) -> httpx.Client:
    unit: dict[str, Any] = {"unit": UNIT[district]} if role in (Role.UNIT, Role.LEADER) else {}
    return console.as_(role, level="district", district=district, **unit)


def _settle(made: Offices, district: str, number: int) -> None:
    """A case in every state, the second of which a person described; suggestions within the district only."""
    town = made.town
    handled = town.case(number + 1, district, "handling", 90)
    described = {"description": WORDS[district], "channel": "hotline"}
    town.case(number + 2, district, "reported", 80, suggested=(handled,), **described)
    for at, state in enumerate(("filed", "dispatched", "checking")):
        town.case(number + 3 + at, district, state, 70 - at)
    made.ids[district] = {"case_id": handled, "unit": UNIT[district], "command_id": KEPT_APART[district]}


def _tell(made: Offices, settings: Settings, closure: Closure) -> None:
    """The hot store and the feed as closure and projection leave them."""
    keys = Keys(settings.namespace, settings.city)
    with engine.Redis.from_url(settings.redis_url) as store:
        for case_id, desk in made.town.desks.items():
            store.set(keys.case + case_id, desk.open.model_dump_json())
        for fact in made.town.facts:
            store.xadd(keys.feed, {"frame": frame_of(fact).model_dump_json()})
    closure.fill()


def _act(made: Offices, district: str) -> None:
    """One picture, one silence and one command of the district's own people."""
    people, ids = made.people[district], made.ids[district]
    picture = {"file": ("p.jpg", phone_jpeg(scene(seed=int(district[-1]))), "image/jpeg")}
    brought = people[Role.UNIT].post("/api/v1/evidence", files=picture, data={"case_id": ids["case_id"]})
    assert brought.status_code == 201, brought.text
    ids["sha256"] = brought.json()["sha256"]
    quiet = {"name": "district", "value": district, "isRegex": False}
    hours = {name: (datetime.now(UTC) + timedelta(hours=hour)).isoformat() for name, hour in (("startsAt", 0), ("endsAt", 1))}
    silence = {"matchers": [quiet], **hours, "createdBy": "lead", "comment": WORDS[district]}
    silenced = people[Role.SHIFT_LEAD].post("/api/v2/silences", json=silence)
    assert silenced.status_code == 200, silenced.text
    ids["silence_id"] = silenced.json()["silenceID"]
    said = {"type": "note", "note": f"note of {district}", "id": ids["command_id"]}
    given = people[Role.DISPATCHER].post(f"/api/v1/cases/{ids['case_id']}/commands", json=said)
    assert given.status_code == 200, given.text

"""A served console with two districts, or subdistricts, for tests from outside: people of every role, cases, pictures, commands of each."""

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
from incidents.case import Case
from incidents.facts import encode_fact
from incidents.rights import BLIND
from incidents.vocabulary import Role
from tests.adapters.pictures import phone_jpeg, scene
from tests.api.town import STREET_A, STREET_B, UNIT, A, B, Town, place_of, side_of
from tests.console.served import Served, served
from tests.console.test_commands import Closure
from tests.streams.fact_agents import frame_of

SEEING = tuple(role for role in Role if role not in BLIND)
DISTRICTS, SUBDISTRICTS = (A, B), (STREET_A, STREET_B)
KEPT_APART = {A: "a-command", B: "b-command", STREET_A: "a-command", STREET_B: "b-command"}
WORDS = {A: "崂山路积水", B: "延安路渣土", STREET_A: "崂山路积水", STREET_B: "延安路渣土"}


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
    """`people[side][role]` asks as that role of that side; `ids[side][kind]` are the ids of its things, by parameter name.

    The sides, two districts or two subdistricts of one, are kept apart: nobody who is `own` may know anything `foreign`.
    """

    console: Served
    town: Town
    foreign: str
    own: str
    people: dict[str, dict[Role, httpx.Client]] = field(default_factory=dict)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def everything_foreign(self) -> list[str]:
        """What nobody of one's own side may be shown: ids of cases and pictures of the other, and words that stand in one of its cases."""
        return [*self.cases(self.foreign), self.ids[self.foreign]["sha256"], self.ids[self.foreign]["silence_id"], WORDS[self.foreign]]

    def cases(self, side: str) -> list[str]:
        """The ids of a side's cases."""
        return [case_id for case_id, desk in self.town.desks.items() if side_of(desk.open.place) == side]


@contextmanager
def offices(redis_url: str, folder: Any, sides: tuple[str, str] = DISTRICTS) -> Iterator[Offices]:
    """The two of them, until the block ends."""
    namespace = f"t{uuid.uuid4().hex[:8]}."
    plenty = {"rate_token": 10_000_000, "rate_address": 10_000_000}  # Schemathesis asks without a token, too, and as one role after another
    settings = Settings.model_validate({"redis_url": redis_url, "local_dir": folder, "namespace": namespace, "city": "qingdao", **plenty})
    closure = Bus(settings)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("report", "of_case"):
            patch.setattr(ReportLog, name, getattr(StandingLog, name))
        patch.setattr(ReportLog, "case_id", "QD-20261121-0000000001", raising=False)
        console = stack.enter_context(served(settings, closure))
        made = Offices(console, Town(console.world.city), *sides)
        for number, side in enumerate(sides):
            made.people[side] = {role: stack.enter_context(_client(console, role, side)) for role in _roles(side)}
            _settle(made, side, 10 * number)
        made.town.keep(console.world.database)
        _tell(made, settings, closure)
        _evaluate(made, settings)
        for side in sides:
            _act(made, side)
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


def _roles(side: str) -> tuple[Role, ...]:
    """Who works there: the journal is kept by district, so a subdistrict has no auditor."""
    return tuple(role for role in SEEING if role is not Role.AUDITOR or side in DISTRICTS)


def _client(console: Served, role: Role, side: str) -> httpx.Client:
    unit: dict[str, Any] = {"unit": UNIT[side]} if role in (Role.UNIT, Role.LEADER) else {}
    place: dict[str, Any] = place_of(side) if role is not Role.UNIT else {"district": place_of(side)["district"]}
    return console.as_(role, level=list(place)[-1], **place, **unit)


def _settle(made: Offices, side: str, number: int) -> None:
    """A case in every state, the second of which a person described; suggestions within the side only."""
    town = made.town
    handled = town.case(number + 1, side, "handling", 90)
    described = {"description": WORDS[side], "channel": "hotline"}
    town.case(number + 2, side, "reported", 80, suggested=(handled,), **described)
    for at, state in enumerate(("filed", "dispatched", "checking")):
        town.case(number + 3 + at, side, state, 70 - at)
    made.ids[side] = {"case_id": handled, "unit": UNIT[side], "command_id": KEPT_APART[side]}


def _tell(made: Offices, settings: Settings, closure: Closure) -> None:
    """The hot store and the feed as closure and projection leave them."""
    keys = Keys(settings.namespace, settings.city)
    with engine.Redis.from_url(settings.redis_url) as store:
        for case_id, desk in made.town.desks.items():
            store.set(keys.case + case_id, desk.open.model_dump_json())
        for fact in made.town.facts:
            store.xadd(keys.feed, {"frame": frame_of(fact).model_dump_json()})
    closure.fill()


def _act(made: Offices, side: str) -> None:
    """One picture, one silence and one command of the side's own people."""
    people, ids = made.people[side], made.ids[side]
    picture = {"file": ("p.jpg", phone_jpeg(scene(seed=int(side[-1]))), "image/jpeg")}
    brought = people[Role.UNIT].post("/api/v1/evidence", files=picture, data={"case_id": ids["case_id"]})
    assert brought.status_code == 201, brought.text
    ids["sha256"] = brought.json()["sha256"]
    quiet = {"name": list(place_of(side))[-1], "value": side, "isRegex": False}
    hours = {name: (datetime.now(UTC) + timedelta(hours=hour)).isoformat() for name, hour in (("startsAt", 0), ("endsAt", 1))}
    silence = {"matchers": [quiet], **hours, "createdBy": "lead", "comment": WORDS[side]}
    silenced = people[Role.SHIFT_LEAD].post("/api/v2/silences", json=silence)
    assert silenced.status_code == 200, silenced.text
    ids["silence_id"] = silenced.json()["silenceID"]
    said = {"type": "note", "note": f"note of {side}", "id": ids["command_id"]}
    given = people[Role.DISPATCHER].post(f"/api/v1/cases/{ids['case_id']}/commands", json=said)
    assert given.status_code == 200, given.text

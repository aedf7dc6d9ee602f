"""A console without engines for the pages of single cases: the API over cases in memory, moved by the real state machine.

Pages, headers, actions, masking and deadlines are the product's own; only storage and the network behind are left out. A test sets what
the server shall do next (`refuse_next`, `away`), and reads what it was sent (`asked`).
"""

import hashlib
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from incidents.case import Case, Fact, Position
from incidents.commands import Actor, Command, Evidence, Grounds, Opening, Place, SourceTotal, Statement, Target, system
from incidents.events import CaseId
from incidents.steps import closure
from incidents.vocabulary import Role
from tests.browser.desk_answers import district
from tests.browser.standin_city import NOW, PLACES, iso
from tests.incidents.reporting import qingdao

Json = dict[str, Any]
OFFICE = "sanitation-370202"
SPOT = (120.3826, 36.0671)
PEOPLE: dict[str, Json] = {
    "shift_lead": {"id": "lead", "name": "陈静", "level": "city"},
    "dispatcher": {"id": "dispatcher", "name": "李强", "level": "city"},
    "acceptor": {"id": "acceptor", "name": "赵敏", "level": "city"},
    "unit": {"id": "wangfang", "name": "王芳", "level": "district", "district": "370202", "unit": OFFICE},
    "checker": {"id": "checker", "name": "周凯", "level": "city"},
    "collector": {"id": "collector", "name": "孙丽", "level": "city"},
    "auditor": {"id": "auditor", "name": "何平", "level": "city"},
}
GROUNDS = Grounds(rule="sanitation", zh="路面保洁归本区环卫", en="the district's sanitation keeps its roads clean")
WAY = ("reported", "filed", "dispatched", "handling", "checking", "checked", "closed")
STEPS: dict[str, tuple[str, str, Json]] = {
    "filed": ("file", "system", {}),
    "dispatched": ("dispatch", "system", {"rule": "sanitation", "grounds": GROUNDS}),
    "handling": ("accept", "unit", {}),
    "checking": ("report_handled", "unit", {}),
    "checked": ("pass_check", "checker", {}),
    "closed": ("close", "shift_lead", {}),
}  # fmt: skip


class Desk:
    """Cases and the people at them. `asked` are the unsafe requests in order: (method, path, headers, body)."""

    def __init__(self, role: str = "shift_lead", now: datetime = NOW) -> None:
        self.city = qingdao()
        self.person: Json = {"role": role, "kind": "account", "district": None, "unit": None, "below": [], "scopes": [], **PEOPLE[role]}
        self.now = now
        self.cases: dict[str, Case] = {}
        self.facts: dict[str, list[Fact]] = {}
        self.log: list[Fact] = []  # the same of all cases, in the order in which they happened
        self.first_reply: dict[str, tuple[int, Json]] = {}
        self.asked: list[tuple[str, str, Json, Any]] = []
        self.pictures: dict[str, Json] = {}
        self.journal: list[Json] = []
        self.hooks: Json = {}
        self.speed = 1.0  # of the city's clock
        self.notices: Json = {"notices": []}
        self.stories: dict[str, Json] = {}
        self.outlines = {"type": "FeatureCollection", "features": [district(code, at) for code, at in PLACES.items()]}
        self.signed_in = True
        self.over = False
        self.refusals: list[tuple[str, int, Json]] = []
        self.presence: list[Json] = []
        self.lock = threading.Lock()
        self._offset = 0

    def refuse_next(self, path: str, status: int, **problem: Any) -> None:
        """Answer the next unsafe request whose path contains this with a problem instead."""
        self.refusals.append((path, status, {"type": "urn:cityloop:problem:refused", "title": "Refused", "status": status, **problem}))

    def open(
        self, state: str = "handling", *, category: str = "", minutes: int = 90, source: str = "/cameras/37020200012", **changes: Any
    ) -> str:
        """A case of this category, first seen so many minutes ago, brought to a state the usual way; its id."""
        category = category or ("water_main_burst" if state in ("checked", "closed") else "road_spillage")  # the latter closes by rule
        number, began = len(self.cases), self.now - timedelta(minutes=minutes)
        case_id = CaseId(f"QD-20261121-{hashlib.sha256(str(number).encode()).hexdigest()[:10].upper()}")
        place = Place(
            lon=changes.pop("lon", SPOT[0]),
            lat=changes.pop("lat", SPOT[1]),
            accuracy_m=15,
            district="370202",
            address=changes.pop("address", "香港中路 10 号门前"),
        )
        before = self.picture(f"before {case_id}", at=began, near=(place.lon, place.lat))
        usual: Json = {
            "state": "reported",
            "channel": "low_video",
            "severity": "normal",
            "confidence": 0.93,
            "algorithm": "road-spillage/3.2",
        }
        seen: Json = {"category": category, "source": source, "report_id": str(number), "time": began, "place": place, "evidence": [before]}
        opening: Json = usual | seen | {"reason": "opened", "rules": self.city.rules} | changes
        totals = {source: _total(1, began)}
        self._apply(
            Command(
                id=f"sight {case_id}",
                case_id=case_id,
                type="sight",
                actor=system("intake"),
                opening=Opening.model_validate(opening),
                totals=totals,
            ),
            began,
        )
        for step, after in enumerate(WAY[1 : WAY.index(state) + 1] if state in WAY else (), 1):
            self._step(case_id, after, began + timedelta(minutes=minutes * step / (len(WAY) + 1)))
        return case_id

    def _step(self, case_id: str, after: str, at: datetime) -> None:
        command, role, arguments = STEPS[after]
        case = self.cases[case_id]
        actor = (
            system("routing")
            if role == "system"
            else Actor(id=PEOPLE[role]["id"], role=Role(role), unit=case.unit if role == "unit" else None)
        )
        extra: Json = {"unit": OFFICE} if command == "dispatch" else {}
        if command in ("report_handled", "pass_check"):
            extra = {"evidence": [self.picture(f"after {case_id}", at=at, near=(case.place.lon, case.place.lat))]}
        outcome = self._apply(
            Command.model_validate(
                {"id": f"{command} {case_id}", "case_id": case_id, "type": command, "actor": actor, **arguments, **extra}
            ),
            at,
        )
        assert outcome.accepted, outcome.reason

    def do(self, case_id: str, command: str, role: str, **arguments: Any) -> None:
        """Somebody else acts on it meanwhile."""
        actor = Actor(id=PEOPLE[role]["id"], role=Role(role), unit=PEOPLE[role].get("unit"))
        outcome = self._apply(
            Command.model_validate(
                {"id": f"{command} {len(self.facts[case_id])}", "case_id": case_id, "type": command, "actor": actor, **arguments}
            ),
            self.now,
        )
        assert outcome.accepted, outcome.reason

    def speak(self, case_id: str, words: str, minutes: int = 30) -> None:
        """A resident reports the same, with name and phone sealed."""
        at = self.now - timedelta(minutes=minutes)
        sealed = {"sealed": "AAAA", "key": "k1", "match": "9f86d081884c7d65"}
        statement = Statement(
            source=f"/hotline/{len(words)}",
            id=f"call-{len(words)}",
            time=at,
            channel="hotline",
            description=words,
            reporter={"name": sealed, "phone": sealed},
        )
        self._apply(
            Command(
                id=f"words {words}",
                case_id=CaseId(case_id),
                type="sight",
                actor=system("intake"),
                totals={statement.source: _total(1, at)},
                statements=(statement,),
            ),
            at,
        )

    def picture(self, name: str, at: datetime | None = None, near: tuple[float, float] | None = None) -> Evidence:
        """A stored picture; `name` makes its hash."""
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        lon, lat = (near[0] + 0.0001, near[1]) if near else (None, None)
        evidence = Evidence(sha256=sha256, url=f"/api/v1/evidence/{sha256}", media_type="image/jpeg", captured_at=at, lon=lon, lat=lat)
        self.pictures[sha256] = evidence.model_dump(mode="json")
        return evidence

    def _apply(self, command: Command, at: datetime) -> Any:
        with self.lock:
            self._offset += 1
            if closure.needs_target(command):
                command = command.model_copy(update={"target": Target(state=self.cases[str(command.into)].state)})
            decision = closure.decide(
                self.city, self.cases.get(command.case_id), command, at, Position(topic_id="c", partition=0, offset=self._offset)
            )
            if decision.case is not None:
                self.cases[command.case_id] = decision.case
            self.facts.setdefault(command.case_id, []).extend(decision.facts)
            self.log += decision.facts
            return decision.outcome

    def write(self, kind: str, person: str | None = None, **what: Any) -> None:
        """An entry of the journal."""
        number = len(self.journal) + 1
        entry = {
            "sequence": number,
            "at": iso(self.now - timedelta(minutes=60 - number)),
            "kind": kind,
            "person": person or self.person["id"],
            "what": what,
        }
        self.journal.append({**entry, "hash": hashlib.sha256(str(number).encode()).hexdigest()})

    # what the API answers

    @property
    def cursor(self) -> str:
        """Where the feed stands: whoever goes on from here misses nothing. To be taken before what it is given with."""
        return f"{int(time.time() * 1000)}-{len(self.log)}"

    @property
    def actor(self) -> Actor:
        """The signed-in person."""
        return Actor(id=self.person["id"], role=self.person["role"], unit=self.person["unit"])

    def command(self, case_id: str, key: str, body: Json, revision: int | None) -> tuple[int, Json]:
        """`POST /cases/{id}/commands`: the status and the answer; the same key gets the same answer."""
        if key in self.first_reply:
            return self.first_reply[key]
        before = self.cases[case_id]
        command = Command.model_validate({**body, "id": key, "case_id": case_id, "actor": self.actor, "expected_revision": revision})
        outcome = self._apply(command, self.now)
        case = self.cases[case_id]
        if outcome.accepted:
            reply = 200, {"command_id": key, "state": case.state, "sequence": case.sequence, "revision": case.revision}
            self.first_reply[key] = reply
            return reply
        changed = before.changed.model_dump(mode="json") if before.changed else None
        told = {"detail": outcome.reason, "reason": outcome.reason, "state": case.state, "revision": case.revision, "changed": changed}
        return 409, {"type": "urn:cityloop:problem:refused", "title": "The case does not allow this now", "status": 409, **told}


def _total(count: int, at: datetime) -> SourceTotal:
    return SourceTotal(count=count, first=at, last=at, topic_id="t", partition=0, offset=0)

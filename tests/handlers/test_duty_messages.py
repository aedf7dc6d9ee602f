"""Qingdao's own roster through the real channels: what somebody on duty reads at night, and the link in it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from adapters.links import Links
from config.load import load_city
from config.load_duty import load_duty
from config.settings import Settings
from handlers.channel import channels
from handlers.duty import Duty, duty_targets
from handlers.receivers import Targets
from incidents.catalogue import City
from incidents.duty import DutyCall
from incidents.notices import Alert, Notice
from incidents.vocabulary import State
from tests.console.door import SECRETS

CONSOLE = "https://ops.qingdao.example"
NIGHT = datetime(2026, 11, 21, 19, tzinfo=UTC)
LINKS = Links(SECRETS, lambda: NIGHT)


@pytest.fixture(scope="module")
def qingdao() -> City:
    return load_city(Settings(city="qingdao"))


@pytest.fixture
def duty(qingdao: City, tmp_path: Path) -> Duty:
    """The roster at work, for a receiver that means whoever has the case."""
    settings = Settings(city="qingdao", local_dir=tmp_path)
    roster = load_duty(settings, qingdao)
    targets = duty_targets(qingdao, roster, Targets(settings, qingdao, CONSOLE).build, LINKS, CONSOLE)
    return Duty(qingdao, roster, {"duty": (DutyCall(),)}, targets)


def told(duty: Duty, severity: str, **said: str) -> dict[str, str]:
    """The text by target."""
    labels = {"case_id": "QD-20261121-14YNDD4W6Y", "category": "water_main_burst", "district": "370202", "severity": severity}
    notes = {"unit": "water-370202", "level": "district", "state": State.HANDLING.value, "severity": severity, **said}
    alert = Alert(fingerprint="f", labels=labels, annotations=notes, starts_at=NIGHT, sequence=3)
    notice = Notice(
        id="n1", group_key="g", receiver="duty", reason="first notification", alerts=(alert,), status="firing", at=NIGHT, sequence=3
    )
    found: dict[str, str] = {}
    for summons in duty.targets_for(notice, "duty", NIGHT):
        for name in summons.targets:
            target = duty.targets[name]
            found[name] = orjson.loads(channels()[target.kind].requests(summons.notice, target, NIGHT).body)["text"]
    return found


def test_an_emergency_calls_and_writes_to_the_desk_that_is_on_duty(duty: Duty) -> None:
    texts = told(duty, "emergency")
    assert set(texts) == {"duty/water-desk/sms/urgent", "duty/water-desk/voice/urgent"}
    assert all("市南区" in text for text in texts.values())


def test_an_escalation_reaches_the_city_s_duty_with_a_link_of_each_person_s_own(duty: Duty) -> None:
    texts = told(duty, "major", escalated_to="city", acknowledged="false")
    people = set()
    for text in texts.values():
        link = re.search(rf"{CONSOLE}/ack/(\S+)", text)
        assert link is not None, text
        assert len(text) <= 268
        read = LINKS.read(link[1])
        assert read is not None
        assert read.case_id == "QD-20261121-14YNDD4W6Y"
        people.add(read.person)
    assert "centre-city-night" in people
    assert len(people) == len(texts) == 2


@pytest.mark.parametrize("said", [{}, {"escalated_to": "city", "acknowledged": "true"}], ids=["never went up", "somebody has it"])
def test_where_nothing_is_to_be_acknowledged_there_is_no_such_link(duty: Duty, said: dict[str, str]) -> None:
    texts = told(duty, "major", **said)
    assert texts
    assert not any("/ack/" in text for text in texts.values())

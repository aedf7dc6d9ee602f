"""A duty receiver at work: whose addresses a notice goes to now, what waits, and what link each person gets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from adapters.links import LASTS, Links
from config.load import load_folder
from config.settings import ROOT
from handlers.channel import Profile, Target
from handlers.duty import Duty, Summons, duty_targets
from incidents.duty import DutyCall, DutyPerson, Roster, Shift, Turn
from incidents.notices import Alert, Notice
from incidents.vocabulary import Role
from tests.console.door import SECRETS

CITY = load_folder(ROOT / "config" / "cities" / "qingdao")
CLEAN, CENTRE, TOP = "sanitation-370202", "command_center-370202", "command_center-city"
NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)  # a Friday, nine in the morning
NIGHT = datetime(2026, 11, 20, 14, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 0, tzinfo=UTC)  # eight in the morning
LINKS = Links(SECRETS, lambda: NOW)


class Address(BaseModel):
    """Settings of any kind."""

    model_config = ConfigDict(extra="allow")


def person(key: str, unit: str, role: Role, *kinds: str) -> DutyPerson:
    """Somebody with these channels."""
    return DutyPerson(key=key, name=key, unit=unit, role=role, channels={kind: {"to": f"{key}-{kind}"} for kind in kinds})


ROSTER = Roster(
    shifts=(Shift(key="office"), Shift(key="round", hours=("08:00-08:00",))),
    people=(
        person("worker", CLEAN, Role.UNIT, "sms", "voice"),
        person("lead", CENTRE, Role.SHIFT_LEAD, "voice", "wecom", "sms"),
        person("boss", TOP, Role.LEADER, "voice"),
    ),
    turns=(
        Turn(unit=CLEAN, level="district", shift="office", people=("worker",)),
        Turn(unit=CENTRE, level="district", shift="round", people=("lead",)),
        Turn(unit=TOP, level="city", shift="round", people=("boss",)),
    ),
    answers="command_center",
)


def build(name: str, kind: str, section: Mapping[str, Any]) -> Target:
    """Any section is right."""
    return Target(name, kind, Address.model_validate(dict(section)))


TARGETS = duty_targets(CITY, ROSTER, build, LINKS, "https://ops.example/")


def duty(*calls: DutyCall) -> Duty:
    """The receiver `duty` means these."""
    return Duty(CITY, ROSTER, {"duty": calls or (DutyCall(),)}, TARGETS)


def alert(name: str = "a", severity: str = "major", unit: str = CLEAN, **said: str) -> Alert:
    """A case of Shinan that a unit has."""
    labels = {"case_id": f"QD-{name}", "district": "370202", "severity": severity}
    return Alert(fingerprint=name, labels=labels, annotations={"unit": unit, "level": "district", **said}, starts_at=NOW)


def notice(*alerts: Alert) -> Notice:
    """A notice of these."""
    return Notice(id="n1", group_key="g", receiver="duty", reason="first", alerts=alerts, status="firing", at=NOW, sequence=1)


def told(found: tuple[Summons, ...]) -> list[tuple[tuple[str, ...], tuple[str, ...], datetime]]:
    """Alerts, addresses and moment of each."""
    return [(tuple(alert.fingerprint for alert in each.notice.alerts), each.targets, each.at) for each in found]


def test_what_is_no_emergency_goes_to_the_first_address_and_never_by_voice() -> None:
    assert told(duty().targets_for(notice(alert()), "duty", NOW)) == [(("a",), ("duty/worker/sms",), NOW)]
    up = alert(escalated_to="district", unit=CENTRE)
    assert told(duty().targets_for(notice(up), "duty", NOW)) == [(("a",), ("duty/lead/wecom",), NOW)]


def test_who_has_only_a_telephone_is_called() -> None:
    assert told(duty().targets_for(notice(alert(escalated_to="city")), "duty", NOW)) == [(("a",), ("duty/boss/voice",), NOW)]


def test_an_emergency_goes_to_every_address_of_whoever_is_there_now() -> None:
    found = duty().targets_for(notice(alert(severity="emergency")), "duty", NIGHT)
    assert told(found) == [(("a",), ("duty/lead/voice/urgent", "duty/lead/wecom/urgent", "duty/lead/sms/urgent"), NIGHT)]
    assert CLEAN in found[0].why


def test_the_severity_that_counts_is_the_present_one() -> None:
    calmed = Alert.model_validate({**alert(severity="emergency").model_dump(), "annotations": {"unit": CLEAN, "severity": "minor"}})
    assert told(duty().targets_for(notice(calmed), "duty", NOW))[0][1] == ("duty/worker/sms",)


def test_what_can_wait_waits_for_the_next_working_hour_and_is_asked_again_then() -> None:
    [waiting] = duty().targets_for(notice(alert()), "duty", NIGHT)
    assert (waiting.targets, waiting.at) == ((), MONDAY)
    assert "2026-11-23 08:00" in waiting.why
    [now] = duty().targets_for(waiting.notice, "duty", waiting.at)
    assert told((now,)) == [(("a",), ("duty/worker/sms",), MONDAY)]
    assert waiting.notice.id == now.notice.id != "n1"
    assert duty().targets_for(notice(alert()), "duty", NIGHT)[0].notice.id == waiting.notice.id


def test_a_receiver_may_go_on_instead_of_waiting() -> None:
    assert told(duty(DutyCall(waits=False)).targets_for(notice(alert()), "duty", NIGHT)) == [(("a",), ("duty/lead/wecom",), NIGHT)]


def test_everybody_hears_only_of_the_cases_that_call_them() -> None:
    mixed = notice(alert("a"), alert("b", escalated_to="city"), alert("c"), alert("d", severity="emergency"))
    now = told(duty().targets_for(mixed, "duty", NOW))
    assert now == [
        (("a", "c"), ("duty/worker/sms",), NOW),
        (("b",), ("duty/boss/voice",), NOW),
        (("d",), ("duty/worker/sms/urgent", "duty/worker/voice/urgent"), NOW),
    ]
    at_night = told(duty().targets_for(mixed, "duty", NIGHT))
    assert at_night[-1] == (("a", "c"), (), MONDAY)
    assert [alerts for alerts, targets, _ in at_night if targets] == [("b",), ("d",)]


def test_an_address_is_told_once_however_many_calls_mean_it() -> None:
    twice = duty(DutyCall(), DutyCall(unit=CLEAN, level="district"))
    assert told(twice.targets_for(notice(alert()), "duty", NOW)) == [(("a",), ("duty/worker/sms",), NOW)]


@pytest.mark.parametrize(
    ("call", "who"),
    [
        (DutyCall(unit=CENTRE), "duty/lead/wecom"),
        (DutyCall(unit=CENTRE, level="city"), "duty/boss/voice"),
        (DutyCall(level="city"), "duty/boss/voice"),
        (DutyCall(unit=CENTRE, channels=("sms",)), "duty/lead/sms"),
    ],
)
def test_a_receiver_may_name_unit_level_and_channels(call: DutyCall, who: str) -> None:
    assert told(duty(call).targets_for(notice(alert()), "duty", NOW))[0][1] == (who,)


def test_a_receiver_s_calls_hear_of_what_ended_only_when_they_want_to() -> None:
    quiet = duty(DutyCall(send_resolved=False))
    assert quiet.targets_for(notice(alert()), "duty", NOW, send_resolved=True) == ()
    assert quiet.targets_for(notice(alert()), "duty", NOW, send_resolved=False) != ()
    assert quiet.targets_for(notice(alert()), "another", NOW) == ()


def test_what_ended_is_no_emergency_any_more() -> None:
    over = alert(severity="emergency").model_copy(update={"ends_at": NOW})
    [found] = duty().targets_for(notice(over), "duty", NOW)
    assert (found.targets, found.notice.status) == (("duty/worker/sms",), "resolved")


def test_the_other_addresses_are_the_fallback_and_emergencies_are_tried_hard() -> None:
    assert TARGETS["duty/lead/wecom"].fallback == ("duty/lead/sms",)
    assert (TARGETS["duty/lead/sms"].profile, TARGETS["duty/lead/sms/urgent"].profile) == (Profile.STANDARD, Profile.URGENT)
    assert TARGETS["duty/lead/voice/urgent"].send_resolved is False
    assert TARGETS["duty/lead/sms"].settings.model_dump() == {"to": "lead-sms"}


def test_a_link_is_the_person_s_own_for_one_case_and_ends() -> None:
    address = TARGETS["duty/lead/sms"].links["QD-a"]
    begin, _, token = address.rpartition("/")
    assert begin == "https://ops.example/ack"
    assert LINKS.read(token) == ("QD-a", "lead", NOW + LASTS)
    assert len(address) < 150  # of the 268 letters of a long SMS
    assert TARGETS["duty/boss/voice/urgent"].links["QD-a"] != TARGETS["duty/boss/voice/urgent"].links["QD-b"] != address


def test_who_may_not_acknowledge_gets_no_link_and_neither_does_anybody_without_a_console() -> None:
    assert TARGETS["duty/worker/sms"].links.get("QD-a") is None
    without = duty_targets(CITY, ROSTER, build, LINKS, "")
    assert without["duty/lead/sms"].links.get("QD-a") is None
    assert duty_targets(CITY, ROSTER, build, None, "https://ops.example")["duty/lead/sms"].links.get("QD-a") is None


def test_no_key_and_no_link_is_shown_by_a_target() -> None:
    assert "/ack/" not in repr(TARGETS["duty/lead/sms"])

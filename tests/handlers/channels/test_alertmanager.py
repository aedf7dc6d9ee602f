"""Alertmanager's webhook v4, key for key as Debian's Alertmanager 0.25 sends it."""

from typing import Any

import orjson

from tests.handlers.channels.notices import alert, notice, sent, target

URL = "https://receiver.example.com/alertmanager"
KEYS = {
    "receiver",
    "status",
    "alerts",
    "groupLabels",
    "commonLabels",
    "commonAnnotations",
    "externalURL",
    "version",
    "groupKey",
    "truncatedAlerts",
}
ALERT_KEYS = {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}


def told(*alerts: Any, secrets: tuple[str, ...] = (), **changes: object) -> Any:
    return orjson.loads(sent("alertmanager", notice(*alerts, **changes), target("alertmanager", secrets, url=URL)).body)


def test_it_has_alertmanagers_keys_and_the_reason() -> None:
    said = told()
    assert set(said) == KEYS | {"notification_reason"}
    assert set(said["alerts"][0]) == ALERT_KEYS
    assert (said["version"], said["status"], said["notification_reason"]) == ("4", "firing", "first notification")


def test_what_goes_on_ends_at_gos_zero_time() -> None:
    going, over = told(alert(1), alert(2, ended=True))["alerts"]
    assert (going["status"], going["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (over["status"], over["endsAt"]) == ("resolved", "2026-11-23T19:04:05Z")


def test_severity_is_in_alertmanagers_words_and_ours_is_an_annotation() -> None:
    said = told()["alerts"][0]
    assert (said["labels"]["severity"], said["labels"]["alertname"]) == ("critical", "water_main_burst")
    assert said["annotations"]["severity"] == "emergency"


def test_common_labels_are_those_that_all_share() -> None:
    said = told(alert(1), alert(2, labels={"district": "370203"}))
    assert said["commonLabels"]["severity"] == "critical"
    assert "district" not in said["commonLabels"]


def test_what_does_not_fit_is_counted() -> None:
    said = told(*(alert(number, address="路" * 100) for number in range(1000)), truncated=5)
    assert len(said["alerts"]) + said["truncatedAlerts"] == 1005


def test_a_secret_is_a_bearer_token() -> None:
    outgoing = sent("alertmanager", notice(), target("alertmanager", ("hush",), url=URL))
    assert outgoing.headers["authorization"] == "Bearer hush"
    assert "hush" not in repr(outgoing)


def test_a_drill_is_marked_on_every_alert() -> None:
    assert [each["annotations"]["drill"] for each in told(alert(1), alert(2), drill=True)["alerts"]] == ["true", "true"]

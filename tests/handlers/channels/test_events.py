"""Every body has the schema of its type, in both coats; the official SDK reads CloudEvents; docs/events/ has what the code says."""

import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from config.settings import ROOT
from handlers.channel import channels
from handlers.event_schemas import ABOUT_NO_CASE, GROUPS, schemas
from incidents.notices import Notice, digest_of
from incidents.vocabulary import FactType
from tests.handlers.channels.notices import AT, alert, fact, notice, operational, sent, target

URL = "https://receiver.example.com/events"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VALIDATORS = {kind: Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER) for kind, schema in schemas().items()}

some = st.integers(0, 40).flatmap(lambda count: st.just([alert(number, ended=number % 3 == 0) for number in range(count)]))


def of_type(kind: str) -> Notice:
    """A notice that leaves as this event."""
    if kind.startswith("case."):
        return fact(kind.removeprefix("case."))
    if kind in ABOUT_NO_CASE:
        return operational().model_copy(update={"fact": kind, "reason": kind})
    return {
        "notice.firing": notice(),
        "notice.resolved": notice(alert(ended=True)),
        "notice.digest": digest_of([notice(), notice(alert(2), id="n_2", sequence=4)]),
    }[kind]


def event(told: Notice, mode: str, secrets: tuple[str, ...] = ()) -> Any:
    """As the official SDK reads it."""
    outgoing = sent("cloudevents", told, target("cloudevents", secrets, url=URL, mode=mode))
    return from_http_event(HTTPMessage(dict(outgoing.headers), outgoing.body))


def test_there_is_a_schema_for_every_fact_group_and_event() -> None:
    assert set(schemas()) == {f"case.{each.value}" for each in FactType} | set(GROUPS) | set(ABOUT_NO_CASE)


@pytest.mark.parametrize("kind", sorted(schemas()))
def test_the_schema_of_the_repository_is_the_codes(kind: str) -> None:
    schema = schemas()[kind]
    Draft202012Validator.check_schema(schema)
    assert json.loads((ROOT / "docs" / "events" / f"{kind}.json").read_text("utf-8")) == schema, "run `make docs`"


@pytest.mark.parametrize("kind", sorted(schemas()))
@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_every_event_has_its_schema_as_webhook_and_as_cloudevent(kind: str, mode: str) -> None:
    body = json.loads(sent("webhook", of_type(kind), target("webhook", url=URL)).body)
    VALIDATORS[kind].validate(body)
    read = event(of_type(kind), mode)
    assert read.get_type() == f"cityloop.{kind}.v1"
    assert read.get_data() == body["data"]


@settings(deadline=None)
@given(some, st.integers(0, 5), st.booleans())
def test_a_group_of_any_size_has_its_schema(alerts: list[Any], truncated: int, drill: bool) -> None:
    told = notice(*alerts, truncated=truncated, drill=drill)
    body = json.loads(sent("webhook", told, target("webhook", url=URL)).body)
    VALIDATORS[body["type"]].validate(body)
    assert len(body["data"]["alerts"]) + body["data"]["truncated"] == len(told.alerts) + truncated


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_the_sdk_reads_what_names_an_event(mode: str) -> None:
    read = event(fact(until=AT), mode)
    assert (read.get_id(), read.get_source(), read.get_subject(), read.get_time()) == ("QD_1_7_s", "urn:cityloop", "QD-20261123-000001", AT)
    attributes = read.get_attributes()
    assert attributes["sequence"] == "000000000007"
    assert (attributes["severitytext"], attributes["severitynumber"]) == ("FATAL", "21")
    assert (attributes["partitionkey"], attributes["correlationid"]) == ("QD-20261123-000001", "QD-20261123-000001")


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_a_group_is_read_too_and_its_parts_that_are_no_ascii(mode: str) -> None:
    read = event(notice(alert(1), alert(2), group_key='{}:{unit="供水"}', drill=True), mode)
    assert read.get_attributes()["partitionkey"] == '{}:{unit="供水"}'
    assert read.get_attributes()["drill"] == "true"
    assert len(read.get_data()["alerts"]) == 2


def test_many_cases_stay_below_the_limit() -> None:
    told = notice(*(alert(number, address="路" * 100) for number in range(500)))
    outgoing = sent("cloudevents", told, target("cloudevents", url=URL))
    assert len(outgoing.body) <= channels()["cloudevents"].most_bytes
    data = json.loads(outgoing.body)["data"]
    assert len(data["alerts"]) + data["truncated"] == 500


def test_with_a_secret_it_is_signed_like_a_webhook() -> None:
    outgoing = sent("cloudevents", fact(), target("cloudevents", (SECRET,), url=URL), AT)
    stamped = Webhook(SECRET).sign("QD_1_7_s", AT, outgoing.body.decode())
    assert outgoing.headers["webhook-signature"] == stamped

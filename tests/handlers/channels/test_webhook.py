"""Webhooks are Standard Webhooks: signed so that its libraries accept them, over the very bytes that are sent, anew for each attempt."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handlers.thin import signatures
from tests.handlers.channels.notices import alert, fact, notice, operational, sent, target

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
URL = "https://receiver.example.com/hook"


def test_the_reference_vector_of_the_specification_is_signed_alike() -> None:
    body = b'{"test": 2432232314}'
    signed = signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", [SECRET], body, datetime.fromtimestamp(1614265330, UTC))
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signed["webhook-timestamp"] == "1614265330"


def test_the_official_library_accepts_what_is_sent() -> None:
    outgoing = sent("webhook", fact(), target("webhook", (SECRET,), url=URL), datetime.now(UTC))
    assert Webhook(SECRET).verify(outgoing.body, dict(outgoing.headers))["type"] == "case.escalated"


def test_a_clock_in_another_zone_signs_the_same_moment() -> None:
    here = datetime.now(UTC)
    there = here.astimezone(ZoneInfo("Asia/Shanghai"))
    assert signatures("a", [SECRET], b"{}", here) == signatures("a", [SECRET], b"{}", there)


def test_while_a_secret_is_replaced_both_verify() -> None:
    outgoing = sent("webhook", fact(), target("webhook", (SECRET, OLDER), url=URL), datetime.now(UTC))
    for secret in (SECRET, OLDER):
        Webhook(secret).verify(outgoing.body, dict(outgoing.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(outgoing.body, dict(outgoing.headers))


def test_another_attempt_has_the_same_id_and_body_and_another_signature() -> None:
    at, where = datetime.now(UTC), target("webhook", (SECRET,), url=URL)
    first, second = (sent("webhook", fact(), where, moment) for moment in (at, at + timedelta(seconds=5)))
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "näher"])
def test_a_secret_that_is_none_refuses_the_notice_and_is_not_said(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and base64") as refused:
        sent("webhook", fact(), target("webhook", (secret,), url=URL))
    assert not secret or secret == "whsec_" or secret not in str(refused.value)


def test_a_fact_says_its_case_its_sequence_and_where_the_rest_is() -> None:
    said = orjson.loads(sent("webhook", fact(), target("webhook", url=URL)).body)
    assert said["type"] == "case.escalated"
    assert said["timestamp"] == "2026-11-23T19:04:05.000Z"
    data = said["data"]
    assert (data["case_id"], data["sequence"], data["version"]) == ("QD-20261123-000001", 7, 1)
    assert data["link"] == "https://ops.example.gov.cn/case/QD-20261123-000001"
    assert data["annotations"]["address"] == "香港中路10号3号楼"


def test_a_group_says_its_cases_and_what_did_not_fit() -> None:
    many = notice(*(alert(number, address="香港中路" * 30) for number in range(200)), truncated=3)
    body = sent("webhook", many, target("webhook", url=URL)).body
    data = orjson.loads(body)["data"]
    assert 1000 < len(body) <= 20_000
    assert len(data["alerts"]) + data["truncated"] == 203


def test_what_is_about_no_case_says_what_it_is_about() -> None:
    said = orjson.loads(sent("webhook", operational(), target("webhook", url=URL)).body)
    assert said["type"] == "endpoint.failing"
    assert said["data"]["about"] == {"target": "duty/webhook/0", "detail": "HTTP 503"}

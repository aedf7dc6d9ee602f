"""Text messages and calls through a gateway that only configuration knows: its fields, its key, its way of saying yes."""

from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from pydantic import ValidationError

from incidents.notices import Notice
from tests.handlers.channels.notices import alert, fact, notice, sent, target

TO: dict[str, Any] = {"url": "https://sms.example.com/send", "to": "13800000000"}
LINKS = {"QD-20261123-000001": "https://ops.example.gov.cn/ack/eyJ0b2tlbiI6IDF9"}


def text(kind: str, told: Notice | None = None, **settings: Any) -> str:
    said = orjson.loads(sent(kind, told or fact(), target(kind, **(TO | settings))).body)["text"]
    return str(said)


def test_a_message_is_one_line_with_all_that_counts_and_the_link_whole() -> None:
    outgoing = sent("sms", fact(), target("sms", links=LINKS, **TO))
    said = orjson.loads(outgoing.body)["text"]
    for part in ("QD-20261123-000001", "供水管道破裂", "香港中路10号3号楼", "紧急", "已超期", "11月24日 04:30", "请督办"):
        assert part in said
    assert said.endswith(" " + LINKS["QD-20261123-000001"])
    assert "\n" not in said and len(said) <= 268


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("most", [70, 140, 268])
def test_a_message_that_is_too_long_is_cut_before_its_link(language: str, most: int) -> None:
    told = notice(alert(address="极长的路名" * 20, acknowledged="false"))
    link = "https://ops.example.gov.cn/ack/" + "t" * 150
    target_ = target("sms", links={"QD-20261123-000001": link}, most=most, language=language, **TO)
    said = orjson.loads(sent("sms", told, target_).body)["text"]
    assert said.endswith(link)
    assert len(said) <= max(most, 70 + len(link) + 1)
    assert "截断" in said or "(cut)" in said


def test_several_cases_are_counted_and_the_console_is_linked() -> None:
    said = text("sms", notice(*(alert(number) for number in range(9))), most=500)
    assert said.endswith("https://ops.example.gov.cn")
    assert "另有" in said


def test_a_call_says_where_and_what_and_reads_no_numbers_of_cases() -> None:
    said = text("voice", fact(drill=True))
    assert said.startswith("这是一次演练")
    assert "QD-" not in said and "http" not in said


def test_the_gateways_own_fields_are_filled_and_the_secret_goes_where_it_wants_it() -> None:
    fields = {"message.to": "{to}", "message.content": "[cityloop] {text}", "reference": "{id}"}
    outgoing = sent("sms", fact(), target("sms", ("k3y",), fields=fields, headers={"X-Key": "{secret}"}, **TO))
    body = orjson.loads(outgoing.body)
    assert body["message"]["to"] == "13800000000"
    assert body["message"]["content"].startswith("[cityloop] 紧急")
    assert (body["reference"], outgoing.headers["x-key"]) == ("QD_1_7_s", "k3y")
    assert "k3y" not in repr(outgoing)


def test_a_form_is_a_form() -> None:
    outgoing = sent("sms", fact(), target("sms", body="form", **TO))
    assert outgoing.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(outgoing.body.decode())["to"] == ["13800000000"]


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert "{secret}" in text("sms", notice(alert(unit="{secret}")))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"code":"OK","data":{"sent":true}}', None),
        (b'{"code":"LIMIT","data":{"sent":true}}', "the gateway says code = LIMIT, not OK"),
        (b'{"code":"OK"}', "the gateway says data.sent = null, not true"),
        (b"[]", "the gateway says code = null, not OK"),
        (b"<html>", "the gateway's answer is no JSON"),
    ],
)
def test_a_gateway_that_answers_200_to_everything_is_held_to_its_body(body: bytes, said: str | None) -> None:
    outgoing = sent("sms", fact(), target("sms", ok={"code": "OK", "data.sent": "true"}, **TO))
    assert outgoing.complaint is not None
    assert outgoing.complaint(body) == said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"to": "call me"}, "pattern"), ({"fields": {"a": "{password}"}}, "password"), ({"url": "ftp://x"}, "pattern"), ({"most": 5}, "70")],
)
def test_a_wrong_setting_is_said_when_it_is_loaded(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        target("sms", **(TO | wrong))

"""The chat robots: their signatures, their limits in bytes, their codes; nothing that somebody reported is a sign of theirs."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from handlers.channel import Failure, Outcome, channels
from incidents.notices import Notice
from tests.handlers.channels.notices import AT, alert, fact, notice, operational, sent, target

ADDRESS = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=t0ken",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=t0ken",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/t0ken",
}
ROBOTS = pytest.mark.parametrize("kind", sorted(ADDRESS))


def text(kind: str, told: Notice, **settings: Any) -> str:
    """What people read."""
    body = orjson.loads(sent(kind, told, target(kind, (ADDRESS[kind],), **settings)).body)
    if kind == "feishu":
        return str(body["card"]["elements"][0]["text"]["content"])
    return str(body["markdown"]["text" if kind == "dingtalk" else "content"])


def verdict(kind: str, body: Any, status: int = 200) -> Any:
    return channels()[kind].judge(status, {}, body if isinstance(body, bytes) else orjson.dumps(body))


@ROBOTS
def test_a_text_says_what_where_how_urgent_when_who_and_what_next(kind: str) -> None:
    said = text(kind, notice())
    for part in (
        "QD-20261123-000001",
        "供水管道破裂",
        "市南区香港中路街道香港中路10号3号楼",
        "紧急",
        "11月24日 04:30",
        "青岛市供水抢修中心",
        "请接单",
    ):
        assert part in said
    assert "(https://ops.example.gov.cn/case/QD-20261123-000001)" in said


@ROBOTS
def test_a_text_is_english_where_the_target_wants_it(kind: str) -> None:
    said = text(kind, notice(), language="en")
    for part in ("Water main burst", "Emergency", "24 Nov 04:30", "Qingdao Water Supply", "Accept it"):
        assert part in said


@ROBOTS
def test_a_drill_says_so_first(kind: str) -> None:
    assert "【演练】" in text(kind, notice(drill=True))
    assert "DRILL" in text(kind, fact(drill=True), language="en")


@ROBOTS
def test_a_notice_about_no_case_says_what_it_is_about(kind: str) -> None:
    assert "HTTP 503" in text(kind, operational())


@ROBOTS
@pytest.mark.parametrize("count", [1, 7, 60, 500])
def test_a_body_keeps_to_the_robots_bytes_and_says_what_is_missing(kind: str, count: int) -> None:
    told = notice(*(alert(number, address="极长的路名" * 60) for number in range(count)))
    body = sent(kind, told, target(kind, (ADDRESS[kind],))).body
    assert len(body) <= channels()[kind].most_bytes
    assert count < 60 or "另有" in body.decode()


@ROBOTS
def test_one_text_that_is_too_long_is_cut_at_a_character_and_says_so(kind: str) -> None:
    long = "{{ reason }}" + "长" * 1350
    body = sent(kind, notice(), target(kind, (ADDRESS[kind],), text=long)).body.decode()
    assert len(body.encode()) <= channels()[kind].most_bytes
    if kind == "wecom":
        assert "已截断" in body


@ROBOTS
@pytest.mark.parametrize(
    "evil", ["[点这里](http://evil.example)", "<at user_id='all'></at>", "<@all> @13800138000", "# 标题\n**急**", "`x`"]
)
def test_nothing_that_was_reported_is_obeyed_by_the_robot(kind: str, evil: str) -> None:
    said = text(kind, notice(alert(address=f"山东路{evil}", unit=evil)))
    assert not any(sign in said for sign in ("[点这里]", "(http://evil", "<at", "<@all>", "@1380", "# 标题", "**急**", "`x`"))


@ROBOTS
def test_a_keyword_stands_before_the_text(kind: str) -> None:
    assert "城市运行" in text(kind, notice(), keyword="城市运行")


@ROBOTS
@pytest.mark.parametrize("secret", [(), ("",), ("t0ken",), (f"{ADDRESS['wecom']}\nSEC\nmore",)])
def test_a_robot_without_its_address_is_refused_and_nothing_of_it_is_said(kind: str, secret: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="whole address") as refused:
        sent(kind, notice(), target(kind, secret))
    assert "t0ken" not in str(refused.value)


@ROBOTS
def test_the_address_is_a_secret_and_in_no_representation(kind: str) -> None:
    where = target(kind, (f"{ADDRESS[kind]}\nSECsign",))
    assert "t0ken" not in repr(sent(kind, notice(), where)) + repr(where)


def test_dingtalk_is_signed_in_the_address() -> None:
    outgoing = sent("dingtalk", notice(), target("dingtalk", (f"{ADDRESS['dingtalk']}\nSECsign",)))
    query = parse_qs(urlsplit(outgoing.url).query)
    stamp = str(int(AT.timestamp()) * 1000)
    expected = base64.b64encode(hmac.digest(b"SECsign", f"{stamp}\nSECsign".encode(), hashlib.sha256)).decode()
    assert (query["access_token"], query["timestamp"], query["sign"]) == (["t0ken"], [stamp], [expected])


def test_feishu_is_signed_in_the_body_with_time_and_secret_as_the_key() -> None:
    body = orjson.loads(sent("feishu", notice(), target("feishu", (f"{ADDRESS['feishu']}\nsign",))).body)
    stamp = str(int(AT.timestamp()))
    expected = base64.b64encode(hmac.digest(f"{stamp}\nsign".encode(), b"", hashlib.sha256)).decode()
    assert (body["timestamp"], body["sign"]) == (stamp, expected)


def test_another_attempt_is_signed_anew() -> None:
    where = target("dingtalk", (f"{ADDRESS['dingtalk']}\nSECsign",))
    first, second = (sent("dingtalk", notice(), where, at) for at in (AT, AT + timedelta(seconds=5)))
    assert first.body == second.body
    assert first.url != second.url


def test_dingtalk_mentions_who_is_named() -> None:
    body = orjson.loads(sent("dingtalk", notice(), target("dingtalk", (ADDRESS["dingtalk"],), mobiles=["13800000000"])).body)
    assert body["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
    assert "@13800000000" in body["markdown"]["text"]


@pytest.mark.parametrize(
    ("kind", "body", "status", "outcome", "reason"),
    [
        ("dingtalk", {"errcode": 0, "errmsg": "ok"}, 200, Outcome.OK, None),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, 200, Outcome.RETRY, Failure.RATE),
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, 200, Outcome.RETRY, Failure.AUTH),
        ("dingtalk", {"errcode": 460101, "errmsg": "too long"}, 200, Outcome.REFUSED, Failure.CLIENT),
        ("dingtalk", {"errcode": -1, "errmsg": "system busy"}, 200, Outcome.RETRY, Failure.OTHER),
        ("wecom", {"errcode": 0}, 200, Outcome.OK, None),
        ("wecom", {"errcode": 45009}, 200, Outcome.RETRY, Failure.RATE),
        ("wecom", {"errcode": 93000}, 200, Outcome.RETRY, Failure.AUTH),
        ("wecom", {"errcode": 40058}, 200, Outcome.REFUSED, Failure.CLIENT),
        ("feishu", {"code": 0, "msg": "success"}, 200, Outcome.OK, None),
        ("feishu", {"StatusCode": 0}, 200, Outcome.OK, None),
        ("feishu", {"code": 9499, "msg": "too many"}, 400, Outcome.RETRY, Failure.RATE),
        ("feishu", {"code": 11232}, 400, Outcome.RETRY, Failure.RATE),
        ("feishu", {"code": 19021}, 200, Outcome.RETRY, Failure.AUTH),
        *((kind, {"errcode": "0", "code": "0"}, 200, Outcome.RETRY, Failure.OTHER) for kind in ADDRESS),
        *((kind, b"<html>login</html>", 200, Outcome.RETRY, Failure.OTHER) for kind in ADDRESS),
        *((kind, b"[]", 200, Outcome.RETRY, Failure.OTHER) for kind in ADDRESS),
        *((kind, b"", 503, Outcome.RETRY, Failure.SERVER) for kind in ADDRESS),
        *((kind, b"", 302, Outcome.RETRY, Failure.CLIENT) for kind in ADDRESS),
        *((kind, b"", 410, Outcome.GONE, Failure.CLIENT) for kind in ADDRESS),
    ],
)
def test_only_the_bodys_code_says_that_it_went_well(kind: str, body: Any, status: int, outcome: Outcome, reason: Failure | None) -> None:
    judged = verdict(kind, body, status)
    assert (judged.outcome, judged.reason) == (outcome, reason)


def test_dingtalk_is_left_alone_for_the_ten_minutes_that_it_is_silent() -> None:
    assert verdict("dingtalk", {"errcode": 130101}).after == timedelta(minutes=10)


def test_limits_stay_below_the_robots_own() -> None:
    kinds = channels()
    limits = [(kinds[kind].limit.per_minute, kinds[kind].limit.per_second) for kind in ("dingtalk", "wecom", "feishu")]  # type: ignore[union-attr]
    assert limits == [(18, None), (18, None), (90, 4)]

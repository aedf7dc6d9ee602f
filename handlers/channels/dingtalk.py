"""DingTalk's custom robots: markdown, signed in the address; 20 messages a minute, else the robot is silent for ten minutes.

Codes and limits: ALERTS.md §5 (DingTalk's custom robots: errcode 130101 too fast, 310000 signature, keyword or address, 460101 too long).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import orjson
from pydantic import BaseModel

from handlers.channel import Failure, Limit, Outcome, Outgoing, Target, Verdict
from handlers.robots import AUTH, BAD, Robot, RobotSettings, judge_robot, robot_of, text_of, title_of
from incidents.notices import Notice

CODES = {
    130101: Verdict(Outcome.RETRY, Failure.RATE, timedelta(minutes=10)),
    130102: Verdict(Outcome.RETRY, Failure.RATE, timedelta(minutes=10)),
    310000: AUTH,
    300005: AUTH,
    300001: AUTH,
    460101: BAD,
    40035: BAD,
    43004: BAD,
}


class DingTalkSettings(RobotSettings):
    """`mobiles` are the telephone numbers of those who are mentioned."""

    mobiles: tuple[str, ...] = ()
    everybody: bool = False


class DingTalk(Robot):
    """See handlers.channel.Channel."""

    kind = "dingtalk"
    settings: type[BaseModel] = DingTalkSettings
    limit = Limit(18)
    most_bytes = 20_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, DingTalkSettings)
        url, secret = robot_of(target)
        title = title_of(notice, target, settings)
        mentions = {"atMobiles": list(settings.mobiles), "isAtAll": settings.everybody}
        called = "".join(f" @{mobile}" for mobile in settings.mobiles)

        def compose(written: str) -> bytes:
            lines = (f"#### {title}\n" + written + called).replace("\n", "\n\n")  # one line break is none in its markdown
            return orjson.dumps({"msgtype": "markdown", "markdown": {"title": title, "text": lines}, "at": mentions})

        body = text_of(notice, target, settings, compose, self.most_bytes)
        return Outgoing("POST", _signed(url, secret, at), {"content-type": "application/json"}, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_robot(status, headers, body, ("errcode",), CODES)


def _signed(url: str, secret: str, at: datetime) -> str:
    """The address with the time in ms and base64 of HMAC-SHA256(secret, "{ms}\\n{secret}")."""
    if not secret:
        return url
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return f"{url}{'&' if '?' in url else '?'}timestamp={stamp}&sign={quote_plus(base64.b64encode(digest))}"


CHANNEL = DingTalk()

"""Feishu's and Lark's custom robots: a card, signed in the body; 100 messages a minute and 5 a second, 20 kB.

Codes: ALERTS.md §5 (11232 and 9499 too fast, perhaps with HTTP 400; 19021 signature, 19022 address, 19024 keyword).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import orjson
from pydantic import BaseModel

from handlers.channel import Limit, Outgoing, Target, Verdict
from handlers.robots import AUTH, BAD, RATE, Robot, RobotSettings, judge_robot, robot_of, text_of, title_of
from handlers.shown import view
from incidents.notices import Notice

CODES = {11232: RATE, 9499: RATE, 11233: RATE, 19001: AUTH, 19021: AUTH, 19022: AUTH, 19024: AUTH, 19002: BAD, 11246: BAD}


class Feishu(Robot):
    """See handlers.channel.Channel."""

    kind = "feishu"
    settings: type[BaseModel] = RobotSettings
    limit = Limit(90, 4)
    most_bytes = 20_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, RobotSettings)
        url, secret = robot_of(target)
        head = {"title": {"tag": "plain_text", "content": title_of(notice, target, settings)}, "template": _colour(notice, target)}

        def compose(written: str) -> bytes:
            card = {"header": head, "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": written}}]}
            return orjson.dumps(_signature(secret, at) | {"msg_type": "interactive", "card": card})

        body = text_of(notice, target, settings, compose, self.most_bytes)
        return Outgoing("POST", url, {"content-type": "application/json"}, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_robot(status, headers, body, ("code", "StatusCode"), CODES)


def _signature(secret: str, at: datetime) -> dict[str, object]:
    """The time in seconds and base64 of HMAC-SHA256 of nothing, by the key "{seconds}\\n{secret}"."""
    if not secret:
        return {}
    stamp = str(int(at.timestamp()))
    digest = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}


def _colour(notice: Notice, target: Target) -> str:
    if notice.status == "resolved":
        return "green"
    shown = view(notice, target, "en", 1)["cases"]
    return "red" if shown and (shown[0]["emergency"] or shown[0]["overdue"]) else "orange"


CHANNEL = Feishu()

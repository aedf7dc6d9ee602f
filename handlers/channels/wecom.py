"""WeCom's group robots: markdown of at most 4,096 bytes, nothing signed (the address is the key), 20 messages a minute.

Codes: ALERTS.md §5 and WeCom's list of global error codes (45009 too fast, 93000 no such robot, 40058 a field too long).
"""

from collections.abc import Mapping
from datetime import datetime

import orjson
from pydantic import BaseModel

from handlers.channel import Limit, Outgoing, Target, Verdict
from handlers.robots import AUTH, BAD, RATE, Robot, RobotSettings, judge_robot, robot_of, text_of, title_of
from incidents.notices import Notice

CODES = {45009: RATE, 45033: RATE, 93000: AUTH, 93004: AUTH, 93008: AUTH, 40001: AUTH, 40058: BAD, 40008: BAD, 45002: BAD}


class WeCom(Robot):
    """See handlers.channel.Channel."""

    kind = "wecom"
    settings: type[BaseModel] = RobotSettings
    limit = Limit(18)
    most_bytes = 4096  # the content's; the few bytes of JSON around it are counted too

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, RobotSettings)
        url, _ = robot_of(target)
        title = title_of(notice, target, settings)

        def compose(written: str) -> bytes:
            return orjson.dumps({"msgtype": "markdown", "markdown": {"content": f"### {title}\n{written}"}})

        body = text_of(notice, target, settings, compose, self.most_bytes)
        return Outgoing("POST", url, {"content-type": "application/json"}, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_robot(status, headers, body, ("errcode",), CODES)


CHANNEL = WeCom()

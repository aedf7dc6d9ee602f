"""What the chat robots have in common: one secret that is the robot's whole address, a text that fits, and success only by the body's code.

The file of a robot's secret holds the address as its group shows it (the address *is* the key), and on a second line the signing secret
where the robot has one. It may stand nowhere else: neither in the configuration nor in a log.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import Field

from handlers.channel import Failure, Limit, Outcome, Target, Verdict, judge_http
from handlers.shown import view
from handlers.templates import Escape, Worded, fitted, markdown, rendered, text
from incidents.notices import Notice, digest_of

Codes = Mapping[int, Verdict]
"""What the codes of a body mean; any other code that is not 0 is tried again."""
PAUSE = timedelta(seconds=60)


class RobotSettings(Worded):
    """Of a robot; `keyword` is put before the text for robots that take only messages with it."""

    keyword: str = Field("", max_length=40)


class Robot:
    """The half of a channel that all robots share."""

    limit: Limit | None = None

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def robot_of(target: Target) -> tuple[str, str]:
    """The robot's address and signing secret ("" without one). Raises ValueError when its file does not hold them."""
    lines = target.secrets[0].split() if target.secrets else []
    if not 1 <= len(lines) <= 2 or urlsplit(lines[0]).scheme not in ("https", "http"):
        raise ValueError("the robot's secret file holds its whole address, and its signing secret on a second line")
    return lines[0], lines[1] if len(lines) == 2 else ""


def title_of(notice: Notice, target: Target, settings: Worded, escape: Escape = markdown) -> str:
    """One line that says what it is about."""
    source = settings.title or text("title", settings.language)
    return " ".join(rendered(source, view(notice, target, settings.language, 1), escape).split())[:200]


def text_of(notice: Notice, target: Target, settings: RobotSettings, compose: Callable[[str], bytes], most: int) -> bytes:
    """The body with a text that fits: `compose` writes the body around a text."""
    source = settings.text or text("markdown", settings.language)
    head = f"{settings.keyword}\n" if settings.keyword else ""

    def written(cases: int) -> str:
        return head + rendered(source, view(notice, target, settings.language, cases), markdown)

    return compose(fitted(written, lambda whole: len(compose(whole)), most, settings.language))


def judge_robot(status: int, headers: Mapping[str, str], body: bytes, names: tuple[str, ...], codes: Codes) -> Verdict:
    """Success is 2xx *and* code 0 (ALERTS.md §5); a known code counts whatever the status, for some come with HTTP 400."""
    code, message = _code(body, names)
    if code is None:
        plain = judge_http(status, headers)
        if plain.outcome is not Outcome.OK:
            return plain
        return Verdict(Outcome.RETRY, Failure.OTHER, None, f"HTTP {status}, but no {names[0]} in the answer")
    detail = f"{names[0]} {code}: {message}"[:300]
    if code in codes:
        known = codes[code]
        return Verdict(known.outcome, known.reason, known.after, detail)
    if code == 0:
        return judge_http(status, headers)
    return Verdict(Outcome.RETRY, Failure.SERVER if status >= 500 else Failure.OTHER, None, detail)


def _code(body: bytes, names: tuple[str, ...]) -> tuple[int | None, str]:
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, ""
    if not isinstance(said, dict):
        return None, ""
    message = str(said.get("errmsg") or said.get("msg") or "")
    return next((said[name] for name in names if type(said.get(name)) is int), None), message


RATE = Verdict(Outcome.RETRY, Failure.RATE, PAUSE)
AUTH = Verdict(Outcome.RETRY, Failure.AUTH)
BAD = Verdict(Outcome.REFUSED, Failure.CLIENT)

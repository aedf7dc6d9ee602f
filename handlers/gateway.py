"""What SMS and voice have in common: a short text to one number, through the city's own HTTP gateway, described in configuration.

`fields` and `headers` are the gateway's names with our values in them: {to} {text} {id} {secret}. A dot in a field's name makes an object
in an object. `ok` says what the answer must hold besides 2xx, for gateways that answer 200 to everything.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator, BaseModel, Field

from handlers.channel import Limit, Outgoing, Target, Verdict, judge_http
from handlers.shown import view, word
from handlers.templates import Worded, fitted, rendered, text
from incidents.notices import Notice, digest_of

_GAP = re.compile(r"\{([a-z_]*)\}")
GAPS = frozenset({"to", "text", "id", "secret"})
LEAST = 70
"""Characters that the words have beside a link, however long it is."""


def _known_gaps(template: str) -> str:
    unknown = set(_GAP.findall(template)) - GAPS
    if unknown:
        raise ValueError(f"{{{sorted(unknown)[0]}}} is nothing that a gateway can be told; there are {{to}} {{text}} {{id}} {{secret}}")
    return template


Gapped = Annotated[str, AfterValidator(_known_gaps)]


class GatewaySettings(Worded):
    """One number at one gateway."""

    url: str = Field(pattern=r"^https?://")
    to: str = Field(pattern=r"^\+?[0-9]{3,15}$", repr=False)
    body: Literal["json", "form"] = "json"
    fields: dict[str, Gapped] = Field(default={"id": "{id}", "to": "{to}", "text": "{text}"}, min_length=1)
    headers: dict[str, Gapped] = {}
    ok: dict[str, str] = {}
    most: int = Field(268, ge=70, le=1000, description="characters of the text; a Chinese SMS of four parts has 268")


class Gateway:
    """The channel, but for its name and its text."""

    kind: str
    template: str
    limit: Limit | None = None
    settings: type[BaseModel] = GatewaySettings
    most_bytes = 20_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, GatewaySettings)
        values = {
            "to": settings.to,
            "text": self._text(notice, target, settings),
            "id": notice.id,
            "secret": target.secrets[0] if target.secrets else "",
        }
        fields = {name: filled(template, values) for name, template in settings.fields.items()}
        headers = {name.lower(): filled(template, values) for name, template in settings.headers.items()}
        form = settings.body == "form"
        body = urlencode(fields).encode() if form else orjson.dumps(_nested(fields))
        kind = {"content-type": "application/x-www-form-urlencoded" if form else "application/json", "webhook-id": notice.id}
        return Outgoing("POST", settings.url, kind | headers, body, _complaint(settings.ok) if settings.ok else None)

    def _text(self, notice: Notice, target: Target, settings: GatewaySettings) -> str:
        """The template's words, cut to what is left beside the link: a link that is cut is none."""
        link = self._link(notice, target)
        source = settings.text or text(self.template, settings.language)

        def written(cases: int) -> str:
            shown = view(notice, target, settings.language, min(cases, 5))
            return "".join(rendered(source, shown).split("\n"))

        room = max(settings.most - len(link), LEAST)
        return fitted(written, len, room, settings.language, word(settings.language, "phrase", "cut_short")) + link

    def _link(self, notice: Notice, target: Target) -> str:
        """What follows the text."""
        return ""

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its gaps filled; what is filled in is not looked at again."""
    return _GAP.sub(lambda gap: values[gap[1]], template)


def _nested(fields: Mapping[str, str]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        *above, last = name.split(".")
        inner = whole
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return whole


def _complaint(ok: Mapping[str, str]) -> Callable[[bytes], str | None]:
    """What is wrong with an answer's body, by what it must hold."""

    def wrong(body: bytes) -> str | None:
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return "the gateway's answer is no JSON"
        for name, wanted in ok.items():
            found: Any = said
            for step in name.split("."):
                found = found.get(step) if isinstance(found, dict) else None
            written = found if isinstance(found, str) else orjson.dumps(found).decode()
            if written != wanted:
                return f"the gateway says {name} = {written[:100]}, not {wanted}"
        return None

    return wrong

"""The shapes of Alertmanager's API v2 (api/v2/openapi.yaml), by its names: what Prometheus, amtool, karma and Grafana send and read."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from console.wire import Moment
from incidents.notice_tree import Matcher
from incidents.posted import MOST_LABELS
from incidents.silences import KeptSilence, Repeats, Wish

MOST_ALERTS = 1000
"""Of one request."""


def _said(value: Any) -> Any:
    """None for Go's zero time, which says that there is none."""
    return None if isinstance(value, str) and value.startswith("0001-01-01T00:00:00") else value


Time = Annotated[Moment | None, BeforeValidator(_said)]
NAME = r"^[a-zA-Z_][a-zA-Z0-9_]{0,127}$"


def _named(schema: dict[str, Any]) -> None:
    """JSON Schema's way to say that there are no other names than these."""
    schema.pop("patternProperties")
    schema |= {"propertyNames": {"pattern": NAME}, "additionalProperties": {"type": "string", "maxLength": 4096}}


LabelSet = dict[Annotated[str, Field(pattern=NAME)], Annotated[str, Field(max_length=4096)]]


class AlertIn(BaseModel):
    """One alert that is posted. Members that we do not know are passed over, as Alertmanager does."""

    labels: LabelSet = Field(min_length=1, max_length=MOST_LABELS, json_schema_extra=_named)
    annotations: LabelSet = Field(default_factory=dict, max_length=MOST_LABELS, json_schema_extra=_named)
    startsAt: Time = None
    endsAt: Time = None
    generatorURL: str = Field("", max_length=2048)


class HookAlert(AlertIn):
    """One alert of Alertmanager's webhook, which says itself whether it still fires."""

    status: Literal["firing", "resolved"]


class AlertHook(BaseModel):
    """The body of Alertmanager's webhook, version 4, as far as it matters here."""

    version: Literal["4"]
    alerts: list[HookAlert] = Field(max_length=MOST_ALERTS)


class View(BaseModel):
    """An answer, written by Alertmanager's names."""

    model_config = ConfigDict(frozen=True)


class Receiver(View):
    """Whoever is told."""

    name: str


class Status(View):
    """Whether somebody is told of an alert, and if not, because of what."""

    state: Literal["unprocessed", "active", "suppressed"]
    silencedBy: list[str]
    inhibitedBy: list[str]


class AlertView(View):
    """One alert that fires; `case_id` is ours."""

    labels: dict[str, str]
    annotations: dict[str, str]
    receivers: list[Receiver]
    fingerprint: str
    startsAt: AwareDatetime
    endsAt: AwareDatetime
    updatedAt: AwareDatetime
    status: Status
    generatorURL: str
    case_id: str = Field(description="the case that it opened")


class GroupView(View):
    """Alerts that one receiver is told of together."""

    labels: dict[str, str]
    receiver: Receiver
    alerts: list[AlertView]


class MatcherIn(BaseModel):
    """One condition on one label."""

    name: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]{0,127}$")
    value: str = Field(max_length=400)
    isRegex: bool = Field(strict=True)
    isEqual: bool = Field(True, strict=True)

    @property
    def text(self) -> str:
        """As it is written in configuration."""
        op = ("=~" if self.isEqual else "!~") if self.isRegex else ("=" if self.isEqual else "!=")
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{op}"{value}"'

    @classmethod
    def of(cls, matcher: Matcher) -> Self:
        """One of ours."""
        return cls(name=matcher.label, value=matcher.value, isRegex="~" in matcher.op, isEqual=not matcher.op.startswith("!"))


class SilenceIn(BaseModel):
    """A silence that is asked for; with `id` it takes that one's place. `repeats` and `until` are ours."""

    id: str | None = Field(None, max_length=100)
    matchers: list[MatcherIn] = Field(min_length=1, max_length=50)
    startsAt: Moment
    endsAt: Moment
    createdBy: str = Field(max_length=500)
    comment: str = Field(max_length=500)
    repeats: Repeats = Repeats.NEVER
    until: Moment | None = None

    def wish(self) -> Wish:
        """As a wish. Raises ValidationError."""
        return Wish(
            matchers=tuple(each.text for each in self.matchers),
            starts_at=self.startsAt,
            ends_at=self.endsAt,
            owner=self.createdBy,
            comment=self.comment,
            repeats=self.repeats,
            until=self.until,
        )


class SilenceId(View):
    """Names a silence."""

    silenceID: str


class SilenceState(View):
    """Whether it holds."""

    state: Literal["pending", "active", "expired"]


class SilenceView(View):
    """A silence; one that repeats ends here with its last time, and says so in `repeats` and `until`."""

    id: str
    status: SilenceState
    updatedAt: AwareDatetime
    matchers: list[MatcherIn]
    startsAt: AwareDatetime
    endsAt: AwareDatetime
    createdBy: str
    comment: str
    repeats: Repeats
    until: AwareDatetime | None

    @classmethod
    def of(cls, kept: KeptSilence, matchers: tuple[Matcher, ...], at: datetime) -> Self:
        """One that is kept, as of a moment."""
        return cls(
            id=kept.id,
            status=SilenceState(state=kept.standing(at).value),
            updatedAt=kept.updated_at,
            matchers=[MatcherIn.of(each) for each in matchers],
            startsAt=kept.starts_at,
            endsAt=kept.over,
            createdBy=kept.owner,
            comment=kept.comment,
            repeats=kept.repeats,
            until=kept.until,
        )


class ClusterStatus(View):
    """There are no peers: what is one here stands in SQL and Redis."""

    name: str = ""
    status: Literal["disabled"] = "disabled"
    peers: list[dict[str, str]] = Field(default_factory=list)


class VersionInfo(View):
    """What this is."""

    branch: str = ""
    buildDate: str = ""
    buildUser: str = ""
    goVersion: str = ""
    revision: str = ""
    version: str


class ConfigText(View):
    """The routing tree, written as Alertmanager's configuration; without addresses and secrets."""

    original: str


class StatusView(View):
    """What Alertmanager says of itself."""

    cluster: ClusterStatus
    versionInfo: VersionInfo
    config: ConfigText
    uptime: AwareDatetime

"""CAP 1.2, the alert format of civil protection (OASIS): for emergency offices and other cities' systems.

A case is one incident: its first message has the case's id as identifier and its filing as `sent`, so that every later one (Update, Cancel)
can refer to it without anybody remembering what was sent. A drill is `Exercise`; what is about no case is `System`. Latitude comes first,
times have an offset and never a Z.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from lxml import etree
from pydantic import BaseModel, Field

from handlers.channel import Limit, Outgoing, Target, Verdict, judge_http
from handlers.robots import title_of
from handlers.shown import about, public, view
from handlers.templates import Worded, plain, rendered, text
from handlers.thin import signatures, small
from incidents.notices import Alert, Notice, digest_of
from incidents.severity_scales import scale_of

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}
CATEGORIES = {
    "gas": "Safety",
    "emergencies": "Safety",
    "falling_objects": "Safety",
    "environment": "Env",
    "waste_sorting": "Env",
    "greening": "Env",
    "forest": "Fire",
    "muck_trucks": "Transport",
    "road_spillage": "Transport",
    "system": "Other",
}
"""CAP's category by domain of the catalogue; the others are Infra."""
RADIUS_KM = "0.1"
UNKNOWN = "-"
"""In an element that CAP wants in any case."""
FIRST = frozenset({"first notification", "case.filed", "filed"})


class CapSettings(Worded):
    """Where to; `sender` names us for good (a domain or an address), without spaces and commas, as CAP wants it."""

    url: str = Field(pattern=r"^https?://")
    sender: str = Field(pattern=r"^[^\s,<&]+$", max_length=100)
    scope: Literal["Public", "Restricted"] = "Restricted"


class Cap:
    """See handlers.channel.Channel."""

    kind = "cap"
    settings: type[BaseModel] = CapSettings
    limit: Limit | None = None
    most_bytes = 100_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, CapSettings)
        body = small(notice, lambda alerts: _document(notice, target, settings, alerts), self.most_bytes)
        headers = {"content-type": "application/cap+xml", "user-agent": "cityloop"}
        return Outgoing("POST", settings.url, headers | signatures(notice.id, target.secrets, body, at), body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def _document(notice: Notice, target: Target, settings: CapSettings, alerts: Sequence[Alert]) -> bytes:
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    kind, cases = _kind(notice), [alert.labels.get("case_id", "") for alert in notice.alerts]
    only = notice.alerts[0] if len(notice.alerts) == 1 else None
    first = only is not None and kind == "Alert"
    _add(root, "identifier", _identifier(notice, only, first))
    _add(root, "sender", settings.sender)
    _add(root, "sent", _time(only.starts_at if only and first else notice.at, target))
    _add(root, "status", "Exercise" if notice.drill else "Actual" if notice.alerts else "System")
    _add(root, "msgType", kind)
    _add(root, "scope", settings.scope)
    if settings.scope == "Restricted":
        _add(root, "restriction", "Operations of the city" if settings.language == "en" else "城市运行管理单位")
    if not notice.alerts:
        told = "; ".join(f"{name}: {value}" for name, value in about(notice).items())
        _add(root, "note", f"{title_of(notice, target, settings, plain)} {told}")
    if kind != "Alert":
        earlier = [f"{settings.sender},{alert.labels.get('case_id', '')},{_time(alert.starts_at, target)}" for alert in alerts]
        _add(root, "references", " ".join(earlier))
    if cases:
        _add(root, "incidents", " ".join(cases[: len(alerts)]))
    for alert in alerts:
        _info(root, alert, notice, target, settings)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _kind(notice: Notice) -> str:
    if not notice.alerts:
        return "Alert"
    if notice.status == "resolved":
        return "Cancel"
    return "Alert" if notice.reason in FIRST else "Update"


def _identifier(notice: Notice, only: Alert | None, first: bool) -> str:
    if only is None or "case_id" not in only.labels:
        return notice.id
    return only.labels["case_id"] if first else f"{only.labels['case_id']}.{notice.id}"


def _info(root: etree._Element, alert: Alert, notice: Notice, target: Target, settings: CapSettings) -> None:
    seen, language = public(alert), settings.language
    case_notice = notice.model_copy(update={"alerts": (alert,), "truncated": 0, "digested": ()})
    shown = view(case_notice, target, language, 1)
    case, labels = shown["cases"][0], seen.labels
    scale = scale_of(seen.annotations.get("severity") or labels.get("severity", ""))
    ended = alert.ends_at is not None
    info = _add(root, "info")
    _add(info, "language", LANGUAGES[language])
    _add(info, "category", CATEGORIES.get(labels.get("domain", ""), "Infra"))
    _add(info, "event", plain(case["what"]) or UNKNOWN)
    _add(info, "responseType", "AllClear" if ended else "Execute")
    _add(info, "urgency", "Past" if ended else scale.cap_urgency)
    _add(info, "severity", scale.cap)
    _add(info, "certainty", "Observed")
    _pair(info, "eventCode", "cityloop:category", seen.annotations.get("category") or labels.get("category", ""))
    _add(info, "onset", _time(alert.starts_at, target))
    _add(info, "senderName", target.words.name("city", labels.get("city", ""), language))
    _add(info, "headline", title_of(case_notice, target, settings, plain))
    _add(info, "description", rendered(settings.text or text("text", language), shown, plain))
    _add(info, "instruction", case["next"])
    _add(info, "web", case["link"])
    for name in ("case_id", "severity", "channel"):
        _pair(info, "parameter", f"cityloop:{name}", labels.get(name, ""))
    for name in ("state", "unit", "level", "overdue", "due_at"):
        _pair(info, "parameter", f"cityloop:{name}", seen.annotations.get(name, ""))
    _area(info, seen, case["where"])


def _area(info: etree._Element, alert: Alert, where: str) -> None:
    area = _add(info, "area")
    _add(area, "areaDesc", plain(where) or UNKNOWN)
    lat, lon = alert.annotations.get("lat"), alert.annotations.get("lon")
    if lat and lon:
        _add(area, "circle", f"{lat},{lon} {RADIUS_KM}")
    _pair(area, "geocode", "GB/T 2260", alert.labels.get("district", ""))
    _pair(area, "geocode", "GB/T 10114", alert.labels.get("subdistrict", ""))


def _add(parent: etree._Element, name: str, content: str | None = None) -> etree._Element:
    """One element; one without content is left out of the document, for CAP knows no empty ones."""
    element = etree.Element(f"{{{NAMESPACE}}}{name}")
    if content != "":
        parent.append(element)
        element.text = None if content is None else "\n".join(plain(line) for line in content.splitlines())
    return element


def _pair(parent: etree._Element, name: str, key: str, value: str) -> None:
    if value:
        pair = _add(parent, name)
        _add(pair, "valueName", key)
        _add(pair, "value", value)


def _time(at: datetime, target: Target) -> str:
    """Whole seconds with the city's offset, "+00:00" where it is UTC."""
    return at.astimezone(target.words.zone).isoformat(timespec="seconds")


CHANNEL = Cap()

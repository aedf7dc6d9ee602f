"""A CAP 1.2 message out of its XML: entities, document types, other networks and huge trees are refused before anything is read.

What the schema (OASIS CAP-v1.2.xsd) demands and a case needs is checked here; signatures in the message are not: it comes over a channel
that is signed or signed in.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from lxml import etree
from pydantic import ValidationError

from incidents.cap import CapMessage, Info, MsgType, Status, reference

NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
MOST_BYTES = 1_000_000
MOST_CORNERS = 10_000
SEVERITIES = frozenset({"Extreme", "Severe", "Moderate", "Minor", "Unknown"})
URGENCIES = frozenset({"Immediate", "Expected", "Future", "Past", "Unknown"})
CERTAINTIES = frozenset({"Observed", "Likely", "Possible", "Unlikely", "Unknown"})
SCOPES = frozenset({"Public", "Restricted", "Private"})
CATEGORIES = frozenset({"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"})
_NAME = re.compile(r"[^\s<&,]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")  # CAP 3.2: no Z, no fractions
Value = TypeVar("Value")


class BadCap(ValueError):
    """The message is none; says which element, and what would be right."""


def read_cap(body: bytes) -> CapMessage:
    """The message. Raises BadCap."""
    root = _root(body)
    status, kind = _one_of(root, "status", Status), _one_of(root, "msgType", MsgType)
    if (scope := _text(root, "scope", required=True)) not in SCOPES:
        raise BadCap(f"scope {scope!r}: write one of {', '.join(sorted(SCOPES))}")
    identifier, sender = (_named(root, name) for name in ("identifier", "sender"))
    try:
        message = CapMessage(
            identifier=identifier,
            sender=sender,
            sent=_moment("sent", _text(root, "sent", required=True)),
            status=status,
            kind=kind,
            references=tuple(_references(_text(root, "references"))),
            note=_text(root, "note"),
            infos=tuple(_info(each) for each in root.findall(f"{NAMESPACE}info")),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCap(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if kind in (MsgType.UPDATE, MsgType.CANCEL) and not message.references:
        raise BadCap(f"a message of msgType {kind} refers to those that it is about: `references` is missing")
    if kind in (MsgType.ALERT, MsgType.UPDATE) and not message.infos:
        raise BadCap(f"a message of msgType {kind} needs an `info`")
    return message


def _root(body: bytes) -> "etree._Element":
    if len(body) > MOST_BYTES:
        raise BadCap(f"{len(body)} bytes; a message has at most {MOST_BYTES}")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadCap(f"the body is no XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise BadCap("a document type is not taken: send the message without <!DOCTYPE>")
    if root.tag != f"{NAMESPACE}alert":
        raise BadCap(f"the root is {str(root.tag)[:100]!r}; CAP 1.2 has <alert xmlns={NAMESPACE[1:-1]!r}>")
    return root


def _info(element: "etree._Element") -> Info:
    for name, right in (("urgency", URGENCIES), ("severity", SEVERITIES), ("certainty", CERTAINTIES), ("category", CATEGORIES)):
        if (found := _text(element, name, required=True)) not in right:
            raise BadCap(f"info.{name} {found!r}: write one of {', '.join(sorted(right))}")
    areas = element.findall(f"{NAMESPACE}area")
    codes = {_text(each, "valueName"): _text(each, "value") for each in element.findall(f"{NAMESPACE}eventCode")}
    times = {name: _moment(f"info.{name}", text) if (text := _text(element, name)) else None for name in ("onset", "effective", "expires")}
    return Info(
        language=_text(element, "language") or "en-US",
        event=_text(element, "event", required=True)[:1000],
        severity=_text(element, "severity"),
        urgency=_text(element, "urgency"),
        certainty=_text(element, "certainty"),
        headline=_text(element, "headline"),
        description=_text(element, "description"),
        instruction=_text(element, "instruction"),
        sender_name=_text(element, "senderName"),
        web=_text(element, "web")[:2000],
        codes=codes,
        areas=tuple(_text(each, "areaDesc", required=True) for each in areas),
        polygons=tuple(_polygon(text) for each in areas for text in _texts(each, "polygon")),
        circles=tuple(_circle(text) for each in areas for text in _texts(each, "circle")),
        **times,
    )


def _texts(element: "etree._Element", name: str) -> list[str]:
    return [(each.text or "").strip() for each in element.findall(f"{NAMESPACE}{name}")]


def _text(element: "etree._Element", name: str, *, required: bool = False) -> str:
    """The text of the first child of this name, "" without one."""
    found = next(iter(_texts(element, name)), "")
    if required and not found:
        raise BadCap(f"<{name}> is missing in <{etree.QName(element).localname}>")
    return found


def _named(root: "etree._Element", name: str) -> str:
    text = _text(root, name, required=True)
    if _NAME.fullmatch(text) is None:
        raise BadCap(f"{name} {text[:100]!r}: no spaces, commas, < or & in it (CAP 3.2.1)")
    return text


def _one_of(root: "etree._Element", name: str, kind: Callable[[str], Value]) -> Value:
    text = _text(root, name, required=True)
    try:
        return kind(text)
    except ValueError:
        raise BadCap(f"{name} {text[:100]!r} is none of CAP's") from None


def _moment(name: str, text: str) -> datetime:
    if _TIME.fullmatch(text) is None:
        raise BadCap(f"{name} {text[:100]!r}: write it like 2026-11-21T08:15:02+08:00; UTC is -00:00")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadCap(f"{name} {text!r} is no moment") from None


def _references(text: str) -> Iterable[str]:
    for each in text.split():
        parts = each.split(",")
        if len(parts) != 3:
            raise BadCap(f"references: {each[:100]!r} is not sender,identifier,sent")
        yield reference(parts[0], parts[1], _moment("references", parts[2]))


def _polygon(text: str) -> tuple[tuple[float, float], ...]:
    ring = tuple(_numbers("polygon", pair, 2) for pair in text.split()[: MOST_CORNERS + 1])
    if not 4 <= len(ring) <= MOST_CORNERS or ring[0] != ring[-1]:
        raise BadCap("polygon: write at least four points `lat,lon`, the last one the same as the first")
    return tuple((pair[0], pair[1]) for pair in ring)


def _circle(text: str) -> tuple[float, float, float]:
    point, _, radius = text.partition(" ")
    lat, lon = _numbers("circle", point, 2)
    [kilometres] = _numbers("circle", radius.strip(), 1)
    return lat, lon, kilometres


def _numbers(what: str, text: str, count: int) -> tuple[float, ...]:
    parts = text.split(",")
    if len(parts) != count or not all(re.fullmatch(r"-?\d{1,6}(\.\d{1,15})?", part) for part in parts):
        raise BadCap(f"{what}: {text[:60]!r}; CAP writes `lat,lon`, and of a circle `lat,lon radius` in kilometres")
    return tuple(map(float, parts))

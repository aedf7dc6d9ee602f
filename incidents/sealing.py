"""Which values of a report are personal, and how they look sealed: what the edge does before a report reaches Kafka (ARCHITECTURE.md §2).

Personal is all that stands in `reporter`, all of `building` but its id, and `plate`. Here is no cipher: `adapters.seals` brings it, and
calls `sealed` with it. A seal is bound to its report and field, so that it opens nowhere else; equality is asked of `match` alone.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from incidents.errors import BadReport
from incidents.plates import refuse_plate
from incidents.steps.intake import read, seals

MOST_HEAD = 1 << 16
SEAL_KEYS = frozenset({"sealed", "key", "match"})
WHOLE = "report"
"""The field that a report is sealed as which cannot be read, and so not field by field."""

Json = dict[str, Any]
SealValue = Callable[[str, Any, str], Json]
"""`(field, value, within)` to a seal; two values of a field are equal only when `within` is, too."""


class Bound(NamedTuple):
    """What a seal belongs to; it opens only there."""

    source: str
    report_id: str
    field: str

    def aad(self, key: str) -> bytes:
        """The additional data of its cipher under the key of this id."""
        return json.dumps([*self, key], ensure_ascii=False, separators=(",", ":")).encode()


class Found(NamedTuple):
    """A seal, what it belongs to, and where it stands: names and places joined by dots, as in `statements.0.reporter.phone`."""

    bound: Bound
    seal: Json
    path: str


is_match = re.compile("[0-9a-f]{32}").fullmatch
"""Whether a text is a `match` of ours: the first 128 bits of an HMAC-SHA256, in hexadecimal."""


def is_seal(value: object) -> bool:
    """Whether this is a sealed value."""
    return isinstance(value, dict) and value.keys() == SEAL_KEYS and all(isinstance(each, str) for each in value.values())


def may_be_personal(value: bytes) -> bool:
    """Whether bytes from anybody name something personal; what does not look like an object may be anything."""
    if b"reporter" in value or b"plate" in value or b"building" in value or b"\\u" in value:  # an escape may hide the others
        return True
    return not (value.startswith(b"{") and value.endswith(b"}"))


def at_edge(value: bytes) -> Json:
    """A report as its sender wrote it, its shape checked. Raises BadReport, whose detail holds nothing personal."""
    read(value)
    found: Json = from_json(value)
    return found


def sealed(report: Json, seal: SealValue) -> Json:
    """The report (of the shape that intake reads) with every personal value sealed; the very same object when it has none.

    What is sealed already stays. Raises BadReport for a plate that cannot exist.
    """
    data = report["data"]
    refuse_plate(data.get("plate"))
    changes: Json = {}
    reporter, building, plate = data.get("reporter"), data.get("building"), data.get("plate")
    if reporter and not is_seal(reporter):
        changes["reporter"] = {name: _sealed(f"reporter.{name}", value, "", seal) for name, value in reporter.items()}
    if building and building.keys() != {"id"}:
        within = building["id"]
        changes["building"] = {n: v if n == "id" else _sealed(f"building.{n}", v, within, seal) for n, v in building.items()}
    if isinstance(plate, str):
        changes["plate"] = _sealed("plate", plate, "", seal)
    return {**report, "data": {**data, **changes}} if changes else report


def _sealed(field: str, value: Any, within: str, seal: SealValue) -> Any:
    return value if value is None or is_seal(value) else seal(field, value, within)


def normal(field: str, value: Any) -> str:
    """What of a value must be equal for two to be the same: of a phone its digits without +86, of a plate all of it, as intake compares.

    >>> normal("reporter.phone", "+86 138-0013-8000"), normal("building.floor", 11), normal("reporter.name", " 王  芳 ")
    ('13800138000', '11', '王 芳')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if field == "plate":
        return text
    text = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if field == "reporter.phone":
        digits = "".join(each for each in text if each.isdecimal())
        return digits[-11:] if len(digits) > 11 and digits[:-11].lstrip("0") == "86" else digits or text
    return text


def seals_of_case(case: Mapping[str, Any]) -> Iterator[Found]:
    """Every seal that a case holds, as JSON, in the order in which it came."""
    for at, each in enumerate(case.get("personal") or ()):
        for field, seal in each["values"].items():
            yield Found(Bound(each["source"], each["id"], field), seal, f"personal.{at}.values.{field}")
    for at, each in enumerate(case.get("statements") or ()):
        yield from _of_reporter(each["source"], each["id"], each.get("reporter"), f"statements.{at}.")


def seals_of_report(report: Mapping[str, Any]) -> Iterator[Found]:
    """Every seal of a report as it stands on Kafka, and of one that was sealed as a whole."""
    if is_whole(report):
        yield Found(Bound("", "", WHOLE), {name: report[name] for name in SEAL_KEYS}, WHOLE)
        return
    source, report_id, data = report.get("source", ""), report.get("id", ""), report.get("data") or {}
    yield from (Found(Bound(source, report_id, field), seal, f"data.{field}") for field, seal in seals(data).items())
    yield from _of_reporter(source, report_id, data.get("reporter"), "data.")


def _of_reporter(source: str, report_id: str, reporter: Any, before: str) -> Iterator[Found]:
    values = {"reporter": reporter} if is_seal(reporter) else {f"reporter.{name}": value for name, value in (reporter or {}).items()}
    for field, value in values.items():
        if is_seal(value):
            yield Found(Bound(source, report_id, field), value, before + field)


def is_whole(report: Mapping[str, Any]) -> bool:
    """Whether this is a report that could not be read and was therefore sealed as a whole."""
    return "refused" in report and report.keys() >= SEAL_KEYS


def whole(error: BadReport, seal: Json, size: int) -> Json:
    """What travels in place of a report of `size` bytes that cannot be read: intake rejects it for the same reason, in the same words."""
    return {**seal, "refused": error.reason, "detail": error.detail, "bytes": size}


def head(value: bytes) -> str:
    """As much of an unreadable report as is kept."""
    return value[:MOST_HEAD].decode("utf-8", "replace")

"""A city's names for people: what a category, a unit, an area is called, in which zone its clocks run, and where its console stands.

Made once from the city (`words_of`), carried by every target, read by the templates (handlers/templates.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from incidents.catalogue import City, Named

Language = Literal["zh", "en"]
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True)
class Words:
    """Names by kind and key ("unit", "sanitation-370202"); `console` is the address of its pages, without a slash at the end."""

    zone: tzinfo = UTC_ZONE
    console: str = ""
    names: Mapping[tuple[str, str], Named] = field(default_factory=dict, repr=False)

    def name(self, kind: str, key: str, language: Language) -> str:
        """What it is called; the key itself where the city has no name for it."""
        named = self.names.get((kind, key))
        return key if named is None else (named.zh if language == "zh" else named.en)

    def link(self, case_id: str) -> str:
        """Where the case is shown, "" where no console is known."""
        return f"{self.console}/case/{case_id}" if self.console and case_id else ""


NO_WORDS = Words()


def words_of(city: City, console: str = "") -> Words:
    """The names of a city; `console` is the address that people open ("https://ops.example.gov.cn")."""
    names: dict[tuple[str, str], Named] = {("city", city.key): city.name}
    for category in city.categories:
        names["category", category.key] = category.name
        names |= {("condition", f"{category.key}/{each.key}"): each.name for each in category.conditions}
    names |= {("domain", each.key): each.name for each in city.domains}
    names |= {("unit", each.key): each.name for each in city.units}
    for district in city.districts:
        names["area", district.code] = district.name
        names |= {("area", code): name for code, name in district.subdistricts}
    return Words(ZoneInfo(city.time_zone), console.rstrip("/"), names)

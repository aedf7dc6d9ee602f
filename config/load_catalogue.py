"""catalogue/*.toml into categories: one file per domain, written compactly, expanded here.

A row inherits `[defaults]` of its file. `filing = {machine = "auto", grid_worker = "auto"}` names channels or all machine channels at
once; hotline and app are verified on site unless a row says otherwise (ARCHITECTURE.md §4).
"""

from pathlib import Path

from config.documents import Document, Problems, Row, unknown
from incidents.catalogue import Category, Domain
from incidents.vocabulary import MACHINES, Channel, Filing, Match, Nature

DURATIONS = ("window", "max_span", "recurs_within", "quiet_after_refusal", "held_for")
MACHINE = "machine"
VERIFIED = {Channel.HOTLINE: Filing.VERIFY, Channel.APP: Filing.VERIFY}
IDENTIFYING = {Match.PLATE, Match.BUILDING}

Origin = tuple[Document, str, int]
"""The document, table and number of a row: where to point when a later check finds it wrong."""


class Catalogue:
    """Domains and categories of a folder, each with its origin, for the checks across files."""

    def __init__(self) -> None:
        self.domains: list[Domain] = []
        self.categories: list[tuple[Category, Origin]] = []


def read_catalogue(folder: Path, problems: Problems) -> Catalogue:
    """All files below `folder`, in the order of their names."""
    catalogue = Catalogue()
    for path in sorted(folder.glob("*.toml")):
        document = problems.read(path)
        document.only("domain", "defaults", "category")
        domain = document.model(Domain, document.section("domain"), "domain")
        if domain is None:
            continue
        if any(domain.key == other.key for other in catalogue.domains):
            document.problem(f"domain {domain.key!r} has another file already", "domain", "key")
        catalogue.domains.append(domain)
        for number, row in enumerate(document.rows("category")):
            category = _category(document, number, row, domain.key)
            if category is not None:
                _check(category, document, number)
                catalogue.categories.append((category, (document, "category", number)))
    return catalogue


def _category(document: Document, number: int, row: Row, domain: str) -> Category | None:
    loc = ("category", number)
    if "domain" in row:
        document.problem("a category has the domain of its file", *loc, "domain")
        return None
    defaults = document.section("defaults")
    filing = _filing(document, defaults, row, number)
    durations = _durations(document, defaults, "defaults") | _durations(document, row, *loc)
    if filing is None or None in durations.values():
        return None
    inherited = frozenset(defaults.keys() - row.keys())
    full = {"family": row.get("key", ""), **defaults, **row, **durations, "domain": domain, "filing": filing}
    return document.model(Category, full, *loc, inherited=inherited)


def _durations(document: Document, row: Row, *loc: str | int) -> Row:
    return {key: document.duration(row, key, *loc) for key in DURATIONS if key in row}


def _filing(document: Document, defaults: Row, row: Row, number: int) -> dict[Channel, Filing] | None:
    """How each channel's reports are filed: the file's defaults over ours, the row over both. None when a mistake was noted."""
    filing = dict(VERIFIED)
    for table, loc in ((defaults, ("defaults",)), (row, ("category", number))):
        given = table.get("filing", {})
        if not isinstance(given, dict):
            document.problem('filing is a table like {machine = "auto", hotline = "verify"}', *loc, "filing")
            return None
        for name, how in given.items():
            channels = _channels(name)
            if channels is None:
                document.problem(unknown(name, [MACHINE, *Channel], "channel"), *loc, "filing", name)
                return None
            if how not in list(Filing):
                document.problem(f"filing {name} = {how!r} is none of {', '.join(Filing)}", *loc, "filing", name)
                return None
            filing.update(dict.fromkeys(channels, Filing(how)))
    return filing


def _channels(name: str) -> list[Channel] | None:
    if name == MACHINE:
        return sorted(MACHINES)
    return [Channel(name)] if name in list(Channel) else None


def _check(category: Category, document: Document, number: int) -> None:
    loc = ("category", number)
    by_rule = [channel for channel in sorted(MACHINES) if category.filing[channel] is not Filing.REVIEW]
    if IDENTIFYING & set(category.match) and by_rule:
        what = " or ".join(sorted(IDENTIFYING & set(category.match)))
        document.problem(
            f"{category.key}: a {what} that a machine read is reviewed by a person first; filing {by_rule[0]} = review", *loc, "filing"
        )
    if category.nature is Nature.INSTANT and category.max_span is None:
        document.problem(f"{category.key}: an instant thing needs max_span, or a later offence would join an earlier one", *loc)
    if category.max_span is not None and category.max_span < category.window and category.nature is Nature.LASTING:
        document.problem(f"{category.key}: max_span is shorter than window, so the window can never be used up", *loc, "max_span")
    if not category.match:
        document.problem(f"{category.key}: match is empty; name plate, building, part or place", *loc, "match")
    if category.trust > 0 and category.confirm < 2:
        document.problem(
            f"{category.key}: trust {category.trust} holds sightings that confirm = 1 lifts at once; confirm ≥ 2", *loc, "trust"
        )
    for at, condition in enumerate(category.conditions):
        if any(condition.key == other.key for other in category.conditions[:at]):
            document.problem(f"{category.key}: condition {condition.key!r} stands twice", *loc, "conditions", at)

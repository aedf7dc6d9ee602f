"""What is wrong with a city's hooks only as a whole: names that nothing bears, nodes and inhibitions that can never match."""

from collections.abc import Iterable, Iterator, Mapping

from config.documents import Loc, unknown
from config.nested import NestedDocument
from incidents.alerts import LABELS
from incidents.catalogue import City
from incidents.notice_decide import Inhibition
from incidents.notice_times import TimeInterval
from incidents.notice_tree import Matcher, Node, Op
from incidents.vocabulary import Channel, Severity

ALL = "..."


def check_hooks(document: NestedDocument, city: City, tree: Node, intervals: Mapping[str, tuple[TimeInterval, ...]]) -> None:
    """Labels and their values exist, so do intervals, and every node can be reached."""
    values = _values(city)
    for node, loc in _places(tree):
        for matcher in node.matchers:
            _check_matcher(document, matcher, values, (*loc, "matchers"))
        for key, names in (("mute_time_intervals", node.muted), ("active_time_intervals", node.active)):
            for name in names:
                if name not in intervals:
                    document.problem(unknown(name, list(intervals), "interval"), *loc, key)
        _check_labels(document, set(node.options.group_by or ()), (*loc, "group_by"))
        for number, child in enumerate(node.children):
            _check_reach(document, child, node.children[:number], (*loc, "routes", number))
    used = {name for node in tree.nodes() for name in (*node.muted, *node.active)}
    for number, row in enumerate(document.rows("intervals")):
        if row.get("name") in intervals and row["name"] not in used:
            document.problem(f"interval {row['name']!r} is named by no node", "intervals", number, "name")


def check_inhibitions(document: NestedDocument, city: City, inhibitions: Iterable[Inhibition]) -> None:
    """Their labels and values exist."""
    values = _values(city)
    for number, each in enumerate(inhibitions):
        for key, matchers in (("source", each.source), ("target", each.target)):
            for matcher in matchers:
                _check_matcher(document, matcher, values, ("inhibitions", number, key))
        _check_labels(document, set(each.equal), ("inhibitions", number, "equal"))


def _values(city: City) -> dict[str, list[str]]:
    """What a label may say, where that is known beforehand."""
    return {
        "city": [city.key],
        "category": list(city.catalogue),
        "domain": [domain.key for domain in city.domains],
        "district": [district.code for district in city.districts],
        "channel": [each.value for each in Channel],
        "severity": [each.value for each in Severity],
    }


def _places(node: Node, loc: Loc = ("tree",)) -> Iterator[tuple[Node, Loc]]:
    yield node, loc
    for number, child in enumerate(node.children):
        yield from _places(child, (*loc, "routes", number))


def _check_matcher(document: NestedDocument, matcher: Matcher, values: Mapping[str, list[str]], loc: Loc) -> None:
    if matcher.label not in LABELS:
        document.problem(f"{unknown(matcher.label, list(LABELS), 'label')} (what changes while a case is open goes into where)", *loc)
    elif matcher.op in (Op.IS, Op.IS_NOT) and matcher.value and matcher.value not in values.get(matcher.label, [matcher.value]):
        document.problem(unknown(matcher.value, values[matcher.label], matcher.label), *loc)


def _check_labels(document: NestedDocument, labels: set[str], loc: Loc) -> None:
    for label in sorted(labels - {*LABELS, ALL}):
        document.problem(unknown(label, list(LABELS), "label"), *loc)


def _check_reach(document: NestedDocument, node: Node, earlier: Iterable[Node], loc: Loc) -> None:
    """A node is never reached when one before it asks for no more and does not go on."""
    for other in earlier:
        if not other.goes_on and set(other.matchers) <= set(node.matchers) and set(other.where) <= set(node.where):
            said = ", ".join([*map(str, other.matchers), *(each.text for each in other.where)]) or "everything"
            document.problem(f"is never reached: a node above it takes {said} and does not `continue`", *loc)
            return

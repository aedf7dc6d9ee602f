"""A city's hooks.toml into `Hooks`, checked: every mistake with its line. Without the file nobody is told anything.

It is no rule (who is told decides nothing about a case) and names addresses: neither the rules' hash nor `city.config` has it. What kinds
of targets there are, and their settings, the caller says: the channels are further out (handlers/channels/).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from config.check_hooks import check_hooks, check_inhibitions
from config.documents import Problem, Problems, Row, unknown
from config.load import city_folder
from config.nested import NestedDocument
from config.notice_intervals import KEYS as INTERVAL_KEYS
from config.notice_intervals import interval_of
from config.notice_tree import ROOT_LACKS, WAITS, BadTree, duration_of, matcher_of, tree_of
from config.notice_where import where_of
from config.read_receivers import ReadReceivers
from config.settings import Settings
from incidents.addresses import opened
from incidents.catalogue import City
from incidents.errors import ConfigError, UserError
from incidents.hooks import Heartbeat, Hooks, Subscription
from incidents.notice_decide import Inhibition
from incidents.notice_rules import MOST_ALERTS, BoardRules
from incidents.notice_times import TimeInterval
from incidents.notice_tree import Matcher, Node, Where
from incidents.vocabulary import FactType

FILE = "hooks.toml"
TOP = ("operations", "most_alerts", "tree", "receivers", "inhibitions", "intervals", "subscriptions", "allow", "heartbeat")
NODE = ("receiver", "group_by", "routes", *WAITS, *ROOT_LACKS)
Value = TypeVar("Value")
Kinds = Mapping[str, type[BaseModel]]


def load_hooks(settings: Settings, city: City, kinds: Kinds) -> Hooks | None:
    """The hooks of the settings' city, None when it has no hooks.toml. Raises ConfigError with every mistake."""
    hooks, problems = read_hooks(city_folder(settings), city, kinds)
    if problems:
        first, *rest = problems
        raise ConfigError(first.path, first.line, "\n".join([first.message, *map(str, rest)]))
    return hooks


def read_hooks(folder: Path, city: City, kinds: Kinds) -> tuple[Hooks | None, list[Problem]]:
    """The hooks and their mistakes; None where there is no file, or a mistake leaves a part of it without value."""
    path = folder / FILE
    if not path.is_file():
        return None, []
    problems = Problems()
    document = problems.read(path)
    if document.broken:
        return None, problems
    hooks = _Reading(NestedDocument.of(document, path.read_text("utf-8")), city, kinds).hooks()
    return hooks, sorted(set(problems), key=lambda problem: problem.line or 0)


class _Reading:
    """One file on its way to `Hooks`."""

    def __init__(self, document: NestedDocument, city: City, kinds: Kinds) -> None:
        self._document, self._city = document, city
        self._receivers = ReadReceivers(document, kinds)

    def hooks(self) -> Hooks | None:
        """All of it; None after a mistake."""
        document = self._document
        document.only(*TOP)
        self._receivers.read()
        intervals = self._intervals()
        tree, inhibitions, subscriptions = self._tree(), self._inhibitions(), self._subscriptions()
        allow, heartbeat, operations = self._allow(), self._heartbeat(), document.table.get("operations")
        most = document.table.get("most_alerts", MOST_ALERTS)
        if not isinstance(most, int) or most < 1:
            document.problem(f"most_alerts = {most!r}: write how many alerts one notice may name", "most_alerts")
        if operations is not None:
            self._known_receiver(operations, "operations")
        if tree is not None:
            check_hooks(document, self._city, tree, intervals)
            check_inhibitions(document, self._city, inhibitions)
        if document.problems or tree is None:
            return None
        heard = self._receivers.hears_resolved()
        rules = BoardRules(tree, heard, inhibitions, intervals, self._city.calendar, most)
        return Hooks(rules, self._receivers.rows, self._receivers.calls, subscriptions, allow, heartbeat, operations)

    # --- the tree --------------------------------------------------------------------------------------------------------------

    def _tree(self) -> Node | None:
        table = self._document.section("tree")
        if not table:
            self._document.problem("[tree] is missing: the root of the routing tree, with its receiver")
            return None
        before = len(self._document.problems)
        self._check_node(table, ("tree",))
        if len(self._document.problems) > before:
            return None
        try:
            return tree_of(table, lambda text: where_of(text, self._city))
        except BadTree as error:
            steps = [step for number in error.path.split("/") if number for step in ("routes", int(number))]
            self._document.problem(str(error), "tree", *steps)
            return None

    def _check_node(self, table: Row, loc: tuple[str | int, ...]) -> None:
        for key in table.keys() - set(NODE):
            self._document.problem(unknown(key, list(NODE)), *loc, key)
        if "receiver" in table:
            self._known_receiver(table["receiver"], *loc, "receiver")
        self._texts(table, "matchers", matcher_of, *loc)
        self._texts(table, "where", lambda text: where_of(text, self._city), *loc)
        self._texts(table, "group_by", str, *loc)
        for key in ("mute_time_intervals", "active_time_intervals"):
            self._texts(table, key, str, *loc)
        for key in WAITS:
            if key in table:
                self._one(duration_of, table[key], *loc, key)
        children = table.get("routes", [])
        if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
            self._document.problem("routes are written as rows: [[tree.routes]]", *loc, "routes")
            return
        for number, child in enumerate(children):
            self._check_node(child, (*loc, "routes", number))

    # --- rows ------------------------------------------------------------------------------------------------------------------

    def _intervals(self) -> dict[str, tuple[TimeInterval, ...]]:
        found: dict[str, tuple[TimeInterval, ...]] = {}
        for number, row in enumerate(self._document.rows("intervals")):
            loc = ("intervals", number)
            self._only(row, INTERVAL_KEYS, *loc)
            name = self._name(row, *loc)
            try:
                interval = interval_of(row, self._city.worktime.zone)
            except ValueError as error:
                key, message = error.args
                self._document.problem(f"{key}: {message}", *loc, key)
                continue
            found[name] = (*found.get(name, ()), interval)
        return found

    def _inhibitions(self) -> tuple[Inhibition, ...]:
        found: dict[str, Inhibition] = {}
        for number, row in enumerate(self._document.rows("inhibitions")):
            loc = ("inhibitions", number)
            self._only(row, ("name", "source", "target", "equal"), *loc)
            name = self._name(row, *loc)
            if name in found:
                self._document.problem(f"inhibition {name!r} stands twice", *loc, "name")
            source, target = (self._matchers(row, key, *loc) for key in ("source", "target"))
            if not row.get("source") or not row.get("target"):
                self._document.problem(f"inhibition {name!r} needs source and target: without one it would silence everything", *loc)
            found[name] = Inhibition(name, source, target, frozenset(self._texts(row, "equal", str, *loc)))
        return tuple(found.values())

    def _subscriptions(self) -> tuple[Subscription, ...]:
        found: dict[str, Subscription] = {}
        for number, row in enumerate(self._document.rows("subscriptions")):
            loc = ("subscriptions", number)
            self._only(row, ("name", "facts", "matchers", "where", "receiver"), *loc)
            name = self._name(row, *loc)
            if name in found:
                self._document.problem(f"subscription {name!r} stands twice", *loc, "name")
            self._known_receiver(row.get("receiver"), *loc, "receiver")
            found[name] = Subscription(
                name,
                self._receivers.targets_of(str(row.get("receiver"))),
                frozenset(self._texts(row, "facts", _fact, *loc)),
                self._matchers(row, "matchers", *loc),
                self._where(row, *loc),
            )
        return tuple(found.values())

    def _allow(self) -> tuple[Any, ...]:
        section = self._document.section("allow")
        self._only(section, ("cidrs",), "allow")
        return tuple(each for found in self._texts(section, "cidrs", lambda text: opened([text]), "allow") for each in found)

    def _heartbeat(self) -> Heartbeat | None:
        section = self._document.section("heartbeat")
        self._only(section, ("url", "every"), "heartbeat")
        if not section:
            return None
        url, every = section.get("url"), self._one(duration_of, section.get("every", "1m"), "heartbeat", "every")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            self._document.problem(f"heartbeat.url = {url!r}: write an address that begins with https://", "heartbeat", "url")
            return None
        return Heartbeat(url, every) if every else None

    # --- values ----------------------------------------------------------------------------------------------------------------

    def _matchers(self, row: Row, key: str, *loc: str | int) -> tuple[Matcher, ...]:
        return tuple(self._texts(row, key, matcher_of, *loc))

    def _where(self, row: Row, *loc: str | int) -> tuple[Where, ...]:
        return tuple(self._texts(row, "where", lambda text: where_of(text, self._city), *loc))

    def _texts(self, row: Row, key: str, read: Callable[[str], Value], *loc: str | int) -> list[Value]:
        """Every text of a list, read; what cannot be is noted."""
        texts = row.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self._document.problem(f"{key} = {texts!r}: write a list of texts", *loc, key)
            return []
        found = (self._one(read, text, *loc, key) for text in texts)
        return [each for each in found if each is not None]

    def _one(self, read: Callable[[str], Value], text: object, *loc: str | int) -> Value | None:
        try:
            return read(str(text))
        except (ValueError, UserError) as error:
            self._document.problem(str(error), *loc)
            return None

    def _only(self, row: Row, known: tuple[str, ...], *loc: str | int) -> None:
        for key in row.keys() - set(known):
            self._document.problem(unknown(key, list(known)), *loc, key)

    def _name(self, row: Row, *loc: str | int) -> str:
        name = row.get("name")
        if not isinstance(name, str) or not name:
            self._document.problem("name is missing", *loc)
        return str(name)

    def _known_receiver(self, name: object, *loc: str | int) -> None:
        if name not in self._receivers.rows:
            self._document.problem(unknown(str(name), list(self._receivers.rows), "receiver"), *loc)


def _fact(text: str) -> str:
    """`filed` or `case.filed`."""
    name = text.removeprefix("case.")
    if name not in list(FactType):
        raise ValueError(unknown(name, [each.value for each in FactType], "fact"))
    return f"case.{name}"

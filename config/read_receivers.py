"""The `[[receivers]]` of hooks.toml: names, and below each the rows of its targets by kind, `[[receivers.webhook]]`.

Besides what its channel wants, a target may say `profile`, `send_resolved`, `fallback` (receivers or targets), `secret_file` (one or more,
the newest first), and any setting `<key>_file` whose value stands in a file: addresses of chat robots are secrets.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from config.documents import Row, unknown
from config.nested import NestedDocument
from incidents.duty import DutyCall
from incidents.hooks import TargetRow

DUTY = "duty"
COMMON = ("profile", "send_resolved", "fallback", "secret_file")
PROFILES = ("standard", "urgent")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
Loc = tuple[str | int, ...]


class ReadReceivers:
    """`rows` and `calls` by receiver; every receiver has a row, maybe empty: what goes there is told to nobody."""

    def __init__(self, document: NestedDocument, kinds: Mapping[str, type[BaseModel]]) -> None:
        self._document, self._kinds = document, kinds
        self.rows: dict[str, tuple[TargetRow, ...]] = {}
        self.calls: dict[str, tuple[DutyCall, ...]] = {}
        self._fallbacks: dict[str, tuple[list[str], Loc]] = {}

    def read(self) -> None:
        """Read all of them, mistakes being noted."""
        for number, row in enumerate(self._document.rows("receivers")):
            self._receiver(row, number)
        if not self.rows:
            self._document.problem("no [[receivers]]: there is nobody to tell")
        known = {target.name: target for targets in self.rows.values() for target in targets}
        for receiver, targets in self.rows.items():
            self.rows[receiver] = tuple(self._with_fallback(target, known) for target in targets)

    def targets_of(self, receiver: str) -> tuple[str, ...]:
        """The names of a receiver's targets."""
        return tuple(target.name for target in self.rows.get(receiver, ()))

    def hears_resolved(self) -> dict[str, frozenset[bool]]:
        """Whether its targets want to hear of resolved alerts; one without any remembers as one that does."""
        found: dict[str, frozenset[bool]] = {}
        for receiver, targets in self.rows.items():
            wants = {each.send_resolved for each in targets} | {call.send_resolved for call in self.calls.get(receiver, ())}
            found[receiver] = frozenset(wants or {True})
        return found

    def _receiver(self, row: Row, number: int) -> None:
        loc: Loc = ("receivers", number)
        name = row.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._document.problem(f"name = {name!r}: write a name of small letters, digits, - and _", *loc, "name")
            return
        if name in self.rows:
            self._document.problem(f"receiver {name!r} stands twice", *loc, "name")
        targets: list[TargetRow] = []
        for kind in row.keys() - {"name"}:
            for at, section in enumerate(self._sections(row, kind, loc)):
                if kind == DUTY:
                    call = self._document.model(DutyCall, section, *loc, kind, at)
                    self.calls[name] = (*self.calls.get(name, ()), *([call] if call else ()))
                elif (target := self._target(f"{name}/{kind}/{at}", kind, section, (*loc, kind, at))) is not None:
                    targets.append(target)
        self.rows[name] = tuple(sorted(targets, key=lambda target: target.name))

    def _sections(self, row: Row, kind: str, loc: Loc) -> list[Row]:
        if kind != DUTY and kind not in self._kinds:
            self._document.problem(unknown(kind, [*self._kinds, DUTY], "kind of target"), *loc, kind, 0)
            return []
        found = row[kind]
        if isinstance(found, list) and all(isinstance(section, dict) for section in found):
            return found
        self._document.problem(f"{kind} is written as rows: [[receivers.{kind}]]", *loc, kind)
        return []

    def _target(self, name: str, kind: str, section: Row, loc: Loc) -> TargetRow | None:
        """Its row; None where a mistake leaves it without settings. What comes from files is looked at when they are read."""
        self._check_common(section, loc)
        row, fields = target_row(name, kind, section, self._kinds[kind]), self._kinds[kind].model_fields
        for key in row.raw.keys() - fields.keys() if row.setting_files else ():
            self._document.problem(unknown(key, [*fields, *COMMON]), *loc, key)
        for key in row.setting_files.keys() - fields.keys():
            self._document.problem(unknown(f"{key}_file", [f"{each}_file" for each in fields]), *loc, f"{key}_file")
        self._fallbacks[name] = (_list(section.get("fallback", [])), loc)
        if row.setting_files:
            return row
        settings = self._document.model(self._kinds[kind], dict(row.raw), *loc)
        return None if settings is None else replace(row, settings=settings)

    def _check_common(self, common: Mapping[str, Any], loc: Loc) -> None:
        if common.get("profile", PROFILES[0]) not in PROFILES:
            self._document.problem(f"profile = {common['profile']!r}: write {' or '.join(PROFILES)}", *loc, "profile")
        if not isinstance(common.get("send_resolved", True), bool):
            self._document.problem(f"send_resolved = {common['send_resolved']!r}: write true or false", *loc, "send_resolved")
        for key in ("fallback", "secret_file"):
            if not all(isinstance(each, str) for each in _list(common.get(key, []))):
                self._document.problem(f"{key} = {common[key]!r}: write a text or a list of them", *loc, key)

    def _with_fallback(self, target: TargetRow, known: Mapping[str, TargetRow]) -> TargetRow:
        """Receivers as their targets; a target is no fallback of itself."""
        named, loc = self._fallbacks[target.name]
        found: dict[str, None] = {}
        for name in named:
            if name not in known and name not in self.rows:
                self._document.problem(unknown(name, [*self.rows, *known], "receiver or target"), *loc, "fallback")
            found |= dict.fromkeys([name] if name in known else self.targets_of(name))
        found.pop(target.name, None)
        return replace(target, fallback=tuple(found))


def target_row(name: str, kind: str, section: Mapping[str, Any], model: type[BaseModel]) -> TargetRow:
    """A target's section taken apart; its settings and fallback are not made yet."""
    files = {
        key.removesuffix("_file"): str(value)
        for key, value in section.items()
        if key.endswith("_file") and key not in COMMON and key not in model.model_fields
    }
    return TargetRow(
        name,
        kind,
        None,
        {key: value for key, value in section.items() if key not in COMMON and key.removesuffix("_file") not in files},
        urgent=section.get("profile") == "urgent",
        send_resolved=section.get("send_resolved") is not False,
        secret_files=tuple(_list(section.get("secret_file", []))),
        setting_files=files,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""Targets of a city's hooks.toml: its rows with their secrets, as the engine takes them.

Secrets stand in files of CITYLOOP_SECRETS_DIR (a name with a slash in front is a path of its own), or in the environment (`env:NAME`). The
local stack does without: it makes a fresh secret to sign with, and a robot, whose secret is its address, is where the other targets of this
machine are (`cityloop hooks receiver`).
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from config.read_receivers import target_row
from config.settings import Settings, from_environment
from handlers.channel import Profile, Target, Transport, channels
from handlers.engine import Receivers
from handlers.words import words_of
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.hooks import Hooks, TargetRow

ENVIRONMENT = "env:"
SECRET_BYTES = 32
ROBOTS = frozenset({"dingtalk", "wecom", "feishu"})


def kinds() -> dict[str, type[BaseModel]]:
    """The kinds of targets there are, with the model of their settings: what `config.load_hooks` asks for."""
    return {kind: channel.settings for kind, channel in channels().items()}


class Targets:
    """Makes targets; reads each secret when it does. `console` is the address that people open, "" when there is none."""

    def __init__(self, settings: Settings, city: City, console: str = "") -> None:
        self._own = settings.secrets_dir is None
        self._folder = settings.secrets_dir or settings.local_dir / "secrets" / "hooks"
        self._words = words_of(city, console)
        self._kinds = kinds()
        self._beside = ""

    def of(self, hooks: Hooks) -> dict[str, Target]:
        """Every target of hooks.toml, by name. Raises UserError naming the target and the file that is missing or wrong."""
        self._beside = next(filter(None, map(_own_machine, (row for rows in hooks.rows.values() for row in rows))), "")
        return {row.name: self._target(row) for rows in hooks.rows.values() for row in rows}

    def build(self, name: str, kind: str, section: Mapping[str, Any]) -> Target:
        """A target from a section like those of hooks.toml, its fallback aside (`handlers.duty.Build`). Raises UserError."""
        if kind not in self._kinds:
            raise UserError(f"{name}: {kind!r} is no kind of target; there are: {', '.join(sorted(self._kinds))}")
        return self._target(target_row(name, kind, section, self._kinds[kind]))

    def _target(self, row: TargetRow) -> Target:
        return Target(
            row.name,
            row.kind,
            row.settings if row.settings is not None else self._settings(row),
            Profile.URGENT if row.urgent else Profile.STANDARD,
            row.send_resolved,
            tuple(self._secret(row, file) for file in row.secret_files),
            row.fallback,
            self._words,
        )

    def _settings(self, row: TargetRow) -> BaseModel:
        given = {key: self._read(row.name, file) for key, file in row.setting_files.items()}
        try:
            return self._kinds[row.kind].model_validate({**row.raw, **given})
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
            raise UserError(f"target {row.name}: {'; '.join(wrong)}") from None

    def _secret(self, row: TargetRow, file: str) -> str:
        path = self._folder / file
        if self._own and not file.startswith((ENVIRONMENT, "/")) and not path.exists():
            if row.kind in ROBOTS and self._beside:
                return f"{self._beside}/{row.kind}"
            if row.kind not in ROBOTS:
                _make(path)
        return self._read(row.name, file)

    def _read(self, target: str, file: str) -> str:
        """What stands in it, without the white space around it; never told in an error."""
        if file.startswith(ENVIRONMENT):
            found = from_environment(file.removeprefix(ENVIRONMENT))
        else:
            path = self._folder / file
            try:
                found = path.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(f"target {target}: cannot read {path} ({error.__class__.__name__}); put its secret there") from None
        if not found:
            raise UserError(f"target {target}: {file} is empty or not set; put its secret there")
        return found


def _own_machine(row: TargetRow) -> str:
    """Scheme, host and port of a target on this machine, "" for any other."""
    parts = urlsplit(str(row.raw.get("url", "")))
    return f"{parts.scheme}://{parts.netloc}" if parts.hostname == "127.0.0.1" else ""


def _make(path: Path) -> None:
    """A fresh secret by Standard Webhooks, for nobody else to read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of the local stack was faster
        return
    with os.fdopen(handle, "w") as file:
        file.write("whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def names_of(hooks: Hooks) -> dict[str, tuple[str, ...]]:
    """The names of every receiver's targets."""
    return {receiver: tuple(row.name for row in rows) for receiver, rows in hooks.rows.items()}


def receivers_of(hooks: Hooks, targets: Mapping[str, Target], transports: Mapping[str, Transport], *, limited: bool = True) -> Receivers:
    """What the engine works with: these targets (those of hooks.toml, and of duty), and who hears of targets that fail."""
    operations = names_of(hooks).get(hooks.operations or "", ())
    return Receivers(targets, channels(), transports, operations, limited)

"""Finds and reads a mapping: `cities/<city>/mappings/<name>.toml` below the configuration, or a file by its path."""

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from incidents.errors import ConfigError, UserError
from incidents.mapping import Mapping


def load_mapping(name: str, config_dir: Path, city: str) -> Mapping:
    """The mapping of that name (of the city's folder) or path. Raises UserError naming what there is, ConfigError with file and line."""
    folder = config_dir / "cities" / city / "mappings"
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        there = ", ".join(sorted(found.stem for found in folder.glob("*.toml"))) or "none"
        hint = f"city {city!r} has: {there} (another city: CITYLOOP_CITY); or give the path of a .toml file"
        raise UserError(f"no mapping {name!r} ({path}: {error.strerror}); {hint}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), None, f"is not UTF-8 ({error.reason} at byte {error.start})") from None
    return parse_mapping(text, str(path))


def parse_mapping(text: str, path: str) -> Mapping:
    """A mapping from TOML. Raises ConfigError with the line of the first mistake."""
    try:
        return Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise ConfigError(path, int(found[1]) if found else None, str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(path, _line_of(text, first["loc"]), f"{where}: {first['msg']}") from None


def _line_of(text: str, loc: tuple[int | str, ...]) -> int | None:
    """The line where the innermost key that the file names stands; None when it names none of them (something is missing)."""
    lines = text.splitlines()
    for key in reversed([part for part in loc if isinstance(part, str)]):
        pattern = re.compile(rf"""^\s*\[*["']?([\w.]+\.)?{re.escape(key)}["']?\s*(=|\]|\.)""")
        for number, line in enumerate(lines, 1):
            if pattern.match(line):
                return number
    return None

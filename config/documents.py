"""One TOML file of a city's folder, and where its lines are: a mistake is told as `path:line: message`.

`tomllib` knows lines only for broken syntax. For everything else `Document.line` walks the text again: to the n-th `[[row]]`, in it to
`key =`, in that to the n-th inline table. It is read only when something is wrong, so loading does not pay for it.
"""

import difflib
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
Row = dict[str, Any]
Loc = tuple[str | int, ...]

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)")
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_SYNTAX_LINE = re.compile(r"\(at line (\d+)")


class Problem(NamedTuple):
    """A mistake in a file: what is wrong, and what would be right."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


class Problems(list[Problem]):
    """All mistakes found so far: the loader goes on after each, so that a person sees them at once."""

    def read(self, path: Path) -> "Document":
        """The file as a document; an empty one, with the problem noted, when it is missing or not TOML."""
        place = shown(path)
        try:
            text = path.read_bytes().decode()
            return Document(place, text, tomllib.loads(text), self)
        except FileNotFoundError:
            self.append(Problem(place, None, "the file is missing"))
        except UnicodeDecodeError as error:
            self.append(Problem(place, None, f"is not UTF-8: {error}"))
        except tomllib.TOMLDecodeError as error:
            line = _SYNTAX_LINE.search(str(error))
            self.append(Problem(place, int(line[1]) if line else None, f"not TOML: {error}"))
        return Document(place, "", {}, self, broken=True)


def shown(path: Path) -> str:
    """The path as a person in the working folder would write it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Document:
    """A parsed file with its text. `broken` says that nothing could be read, so that missing keys are not told as well."""

    def __init__(self, path: str, text: str, table: Row, problems: Problems, broken: bool = False) -> None:
        self.path, self.table, self.problems, self.broken = path, table, problems, broken
        self._lines = text.splitlines()

    def problem(self, message: str, *loc: str | int) -> None:
        """Note a mistake at the row or key that `loc` names: `("category", 3, "window")`."""
        if not self.broken:
            self.problems.append(Problem(self.path, self.line(*loc), message))

    def rows(self, name: str) -> list[Row]:
        """The `[[name]]` rows; none, with a problem noted, when the key is something else."""
        found = self.table.get(name, [])
        if isinstance(found, list) and all(isinstance(row, dict) for row in found):
            return found
        self.problem(f"{name} is written as rows: [[{name}]]", name)
        return []

    def section(self, name: str) -> Row:
        """The `[name]` table; empty, with a problem noted, when the key is something else."""
        found = self.table.get(name, {})
        if isinstance(found, dict):
            return found
        self.problem(f"{name} is written as a table: [{name}]", name)
        return {}

    def only(self, *known: str) -> None:
        """Note every top-level key that is none of `known`."""
        for key in self.table.keys() - set(known):
            self.problem(unknown(key, list(known)), key)

    def line(self, *loc: str | int) -> int:
        """Line of what `loc` names, or of the nearest thing around it that has one; 1 for the file."""
        begin, end = 0, len(self._lines)
        for index, step in enumerate(loc):
            after = loc[index + 1] if index + 1 < len(loc) else None
            if isinstance(step, int):
                begin = self._nth_table(begin, end, step) if index > 1 else begin
            elif index == 0:
                begin, end = self._block(step, after if isinstance(after, int) else 0)
            else:
                begin = self._key(step, begin, end)
        return begin + 1

    def _block(self, name: str, number: int) -> tuple[int, int]:
        headers = [(at, m[2]) for at, text in enumerate(self._lines) if (m := _HEADER.match(text))]
        named = [at for at, header in headers if header == name]
        if number < len(named):
            begin = named[number]
            later = [at for at, header in headers if at > begin and not header.startswith(name + ".")]
            return begin, later[0] if later else len(self._lines)
        return self._key(name, 0, headers[0][0] if headers else len(self._lines)), len(self._lines)

    def _key(self, key: str, begin: int, end: int) -> int:
        wanted = re.compile(rf'(?:^|[\s{{,])"?{re.escape(key)}"?\s*=')
        return next((at for at in range(begin, end) if wanted.search(self._lines[at])), begin)

    def _nth_table(self, begin: int, end: int, number: int) -> int:
        tables = [at for at in range(begin, end) if self._lines[at].lstrip().startswith(("{", "["))]
        return tables[number] if number < len(tables) else begin

    def duration(self, row: Row, key: str, *loc: str | int) -> timedelta | None:
        """The duration under `key`, None when the key is absent; a problem noted (and None) when it is no `2h`, `30min`, `7d`, `90s`."""
        if key not in row:
            return None
        match = _DURATION.fullmatch(row[key].strip()) if isinstance(row[key], str) else None
        if match and match[2] in UNITS:
            return timedelta(seconds=float(match[1]) * UNITS[match[2]])
        what = f"unknown unit {match[2]!r}" if match else "not a duration"
        self.problem(f"{key} = {row[key]!r}: {what}; write a number and one of {', '.join(UNITS)}, like 30min", *loc, key)
        return None

    def model(self, kind: type[Model], row: Row, *loc: str | int, inherited: frozenset[str] = frozenset()) -> Model | None:
        """The row as a value; None, with every mistake noted at its line, when it is not one.

        Keys that are `inherited` stand in `[defaults]`, and their mistakes are told there, once.
        """
        try:
            return kind.model_validate(row)
        except ValidationError as error:
            for found in error.errors():
                message = _told(found["type"], found["msg"], found["loc"], found["input"], list(kind.model_fields))
                where = found["loc"][:-1] if found["type"] == "missing" else found["loc"]
                at = ("defaults",) if where and where[0] in inherited else loc
                self.problem(message, *at, *where)
            return None


def _told(kind: str, msg: str, loc: Loc, value: object, fields: list[str]) -> str:
    where = ".".join(map(str, loc))
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return unknown(str(loc[-1]), fields)
    if kind == "value_error":
        return msg.removeprefix("Value error, ")
    return f"{where} = {value!r}: {msg[0].lower()}{msg[1:]}"


def unknown(name: str, known: list[str], what: str = "key") -> str:
    """`unknown key 'x'`, with the nearest known name as a guess.

    >>> unknown("windw", ["window", "match"])
    "unknown key 'windw'; did you mean 'window'?"
    """
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)[:20]) or 'none'}"
    return f"unknown {what} {name!r}; {hint}"

"""Replays a file: every row of a CSV or line of JSONL (plain or gzip) becomes one record on the topic.

JSONL of CloudEvents passes through byte for byte; foreign objects and rows go through a mapping (`incidents.mapping`). Nothing is lost on
the way: what cannot be translated travels as it is and intake rejects it, visibly; a row without an id is counted and listed.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from config.mappings import load_mapping
from incidents.catalogue import Frozen
from incidents.errors import UserError
from incidents.events import epoch_ms
from incidents.mapping import Mapping, Translator
from producers.base import Item, Kind, Surroundings
from producers.problems import Problems
from producers.tables import InputFile


class ReplayOptions(Frozen):
    """What a replay needs to know."""

    file: Path = Field(description="CSV or JSONL, plain or gzip")
    mapping: str | None = Field(None, description="name in the city's mappings/, or a path; none: JSONL of CloudEvents")


class Replay:
    """A file as a source."""

    def __init__(self, file: Path, mapping: Mapping | None, city_code: str, origin: str) -> None:
        """Raises UserError when rows of a CSV are given without a mapping."""
        self._file = InputFile(file)
        if mapping is None and not self._file.is_jsonl:
            raise UserError(f"{file} is no .jsonl file of CloudEvents, so it needs --mapping NAME (see config/cities/<city>/mappings/)")
        self._mapping = mapping
        self._translator = Translator(mapping, city_code, origin) if mapping else None
        self._problems = Problems(file)
        self.left_out = 0

    @property
    def problems(self) -> list[str]:
        """What could not be translated, for people."""
        return self._problems.told

    @property
    def problem_count(self) -> int:
        """How many there were in all."""
        return self._problems.count

    def progress(self) -> float | None:
        """Share of the file that was read."""
        return self._file.progress()

    def items(self) -> Iterator[Item]:
        """One item per row or line, in the order of the file."""
        if self._mapping is not None and not self._file.is_jsonl:
            for line, row in self._file.rows(self._mapping.columns):
                yield from self._translated(line, row)
            return
        for line, text in self._file.lines():
            yield from self._from_line(line, text)

    def _from_line(self, line: int, text: bytes) -> Iterator[Item]:
        try:
            found: Any = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            self._problems.add(line, None, f"not JSON, sent as it is: {error}")
            yield Item(None, b"", text)
            return
        if not isinstance(found, dict):
            self._problems.add(line, None, f"no JSON object but {type(found).__name__}, sent as it is")
            yield Item(None, b"", text)
        elif "specversion" in found:
            yield Item(due_ms_of(found.get("time")), str(found.get("source", "")).encode(), text)
        elif self._translator is None:
            self._problems.add(line, None, "no CloudEvent (`specversion` is missing), sent as it is; foreign objects need --mapping")
            yield Item(None, b"", text)
        else:
            yield from self._translated(line, found)

    def _translated(self, line: int, record: dict[str, Any]) -> Iterator[Item]:
        assert self._translator is not None
        done = self._translator.translate(record)
        for name, message in done.problems:
            self._problems.add(line, name, message)
        if done.event is None:
            self.left_out += 1
            return
        yield Item(done.due_ms, done.event["source"].encode(), orjson.dumps(done.event, default=str))


def due_ms_of(time: Any) -> int | None:
    """Milliseconds of an RFC 3339 time with an offset; None for anything else, which intake will judge."""
    try:
        at = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return None
    return epoch_ms(at) if at.tzinfo else None


def _open(options: ReplayOptions, world: Surroundings) -> Replay:
    mapping = load_mapping(options.mapping, world.config_dir, world.city.key) if options.mapping else None
    return Replay(options.file, mapping, world.city.code, world.city.key)


KIND = Kind("replay", "Replay a file of reports: CSV or JSONL, plain or gzip.", ReplayOptions, _open)

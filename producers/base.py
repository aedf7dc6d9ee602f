"""What a source of reports is: the first step on the path, before Kafka.

A source only says *what* is reported and *when it is due*; `producers.run` does everything else (pacing, sending, counting, stopping), so
that no source has a loop, a retry or a clock of its own.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic import ValidationError

from incidents.catalogue import City, Frozen
from incidents.errors import UserError
from incidents.places import Locate


class Truth(NamedTuple):
    """What really was behind a report; `incident` None for a false alarm or a bad report that belongs to nothing."""

    source: str
    id: str
    time: str
    incident: str | None
    kind: str


class Item(NamedTuple):
    """One record for the topic: raw key and value, exactly as they will stand there.

    `due_ms` is when the record should leave, in milliseconds since 1970 on the *source's* clock (of a file: the times in the file; of a
    simulated city: the city's clock); None means at once. `truth` is only known to a simulation.
    """

    due_ms: int | None
    key: bytes | None
    value: bytes | None
    truth: Truth | None = None


class Source(Protocol):
    """Yields the records of one run.

    A caller may assume: items come in the order in which they are to be sent; memory does not grow with their number; the same options
    give the same items; nothing is read or opened before the first item is asked for. A caller may *not* assume: that `due_ms` rises (a
    file may be out of order), that values are valid reports (bad input travels too: intake judges, not the producer), that ids are unique,
    that the iterator ends, or that `items` may be called twice. Raises UserError for a file that cannot be read on.
    """

    @property
    def problems(self) -> Sequence[str]:
        """What could not be translated as it stands, with file, line, column and value: the first hundred, for people."""
        ...

    @property
    def problem_count(self) -> int:
        """How many there were in all."""
        ...

    @property
    def left_out(self) -> int:
        """Input that gave no item at all (no id, or a rule of the mapping skips it)."""
        ...

    def items(self) -> Iterator[Item]:
        """The records, lazily."""
        ...

    def progress(self) -> float | None:
        """Share of the input that was read, 0 to 1; None when nobody can know."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source may know of the world it runs in: `config_dir` holds cities/, `geography` reads the city's shapes (slow: ask once)."""

    city: City
    config_dir: Path
    geography: Callable[[], Locate] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: its name for `cityloop produce`, one sentence of help, its options and how to open it."""

    name: str
    about: str
    options: type[Frozen]
    open: Callable[[Any, Surroundings], Source]


def kinds() -> dict[str, Kind]:
    """Every kind of source, by name: each module of `producers.sources` that offers `KIND`."""
    package = importlib.import_module("producers.sources")
    modules = (importlib.import_module(f"producers.sources.{found.name}") for found in pkgutil.iter_modules(package.__path__))
    return {module.KIND.name: module.KIND for module in modules if hasattr(module, "KIND")}


def options_of(kind: Kind, given: dict[str, Any]) -> Frozen:
    """The options of a kind from a person's words. Raises UserError naming each wrong one, its value and what is right."""
    try:
        return kind.options.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'options'} = {e['input']!r}: {e['msg']}" for e in error.errors())
        known = ", ".join(kind.options.model_fields)
        raise UserError(f"{kind.name}: {wrong}. Its options: {known}") from None

"""The rehearsal behind `cityloop rehearse`: files through the whole pipeline in this process, under one set of rules or two."""

import asyncio
import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.boundaries import locator
from cli.output import say
from config.load import load_city
from config.load_indicators import load_evaluation
from config.mappings import load_mapping
from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import UserError
from producers.rehearsed import RehearsedFile
from streams.rehearsal.account import Account, Found
from streams.rehearsal.engine import Entry, Rehearsal

PROBLEMS_SHOWN = 5
SELDOM = (100_000, 50, 1000)
"""Cases live long: walking them again and again costs a third."""


@dataclass(frozen=True)
class Wanted:
    """What is rehearsed: `files` through `mapping`; the clock runs on to `until` behind the last report and closing."""

    files: Sequence[Path]
    mapping: str | None
    until: datetime | None


def rehearsed(settings: Settings, wanted: Wanted) -> tuple[Account, Found]:
    """What the rules of these settings do with the files; says on stderr how long it took. Raises UserError and ConfigError."""
    city, evaluation = load_city(settings), load_evaluation(settings)
    mapping = load_mapping(wanted.mapping, settings.config_dir, settings.city) if wanted.mapping else None
    files = [RehearsedFile(file, mapping, city.code, city.key) for file in wanted.files]
    published = mapping.published if mapping else None
    run = Rehearsal(city, locator(city, settings), has_people=published is not None and published.closed is not None)
    with _seldom_collected():
        began = time.process_time()
        asyncio.run(run.run(_entries(files), wanted.until))
        spent_s = time.process_time() - began
    found = run.account.found(run.now_ms, evaluation, run.office.refused)
    _tell(city, run, files, spent_s)
    return run.account, found


def other_rules(settings: Settings, path: Path) -> Settings:
    """The settings of another configuration: a folder that holds cities/, or a city's folder in one. Raises UserError."""
    if (path / "cities").is_dir():
        return settings.model_copy(update={"config_dir": path})
    if (path / "city.toml").is_file() and path.resolve().parent.name == "cities":
        return settings.model_copy(update={"config_dir": path.resolve().parent.parent, "city": path.resolve().name})
    raise UserError(
        f"--against {path}: neither a configuration (a folder that holds cities/) nor a city's folder below cities/; "
        f"copy {settings.config_dir}, change the copy and name it"
    )


def _entries(files: Sequence[RehearsedFile]) -> Iterator[Entry]:
    for file in files:
        for item, closed_ms, where in file.records():
            yield Entry(item.due_ms, item.key, item.value, closed_ms, where)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _tell(city: City, run: Rehearsal, files: Sequence[RehearsedFile], spent_s: float) -> None:
    for file in files:
        for problem in file.problems[:PROBLEMS_SHOWN]:
            say(problem)
        if file.problem_count > PROBLEMS_SHOWN:
            say(f"… {file.problem_count:,} problems of translation in all")
        if file.left_out:
            say(f"{file.left_out:,} records of the file gave no report (no id, or the mapping leaves them out)")
    reports = len(run.account.case_of)
    parts: Mapping[str, float] = {"read": spent_s - sum(run.spent_s.values()), **run.spent_s}
    if reports and spent_s:
        each = ", ".join(f"{part} {seconds / reports * 1e6:.1f}" for part, seconds in parts.items())
        head = f"{city.key} {city.rules}: {reports:,} reports, {run.office.commands:,} commands in {spent_s:.2f} s of CPU"
        say(f"{head} = {reports / spent_s:,.0f} reports/s; µs a report: {each}")

"""Fits a city's limits to the targets that it published: per type the clock (`work_day` or `natural_day`) and N that reproduce the most.

    CITYLOOP_CITY=boston python -m benchmarks.fit_limits requests.csv.gz --mapping boston [--write]

A plain fit: each request votes for the N of each clock that gives its target within two minutes in the city's calendar, and the type takes
what has the most votes (of equal ones the working days, then the smaller N). Nothing is fitted per row, per channel or per month, and the
calendar is not fitted at all. `--write` puts the limits into the rows of the city's catalogue; types that were never given a target keep
theirs.
"""

import re
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from cli.rehearse import WITHIN
from config.load import city_folder, load_city
from config.mappings import load_mapping
from config.settings import load_settings
from incidents import limits
from incidents.catalogue import City, ClockKind
from incidents.errors import MissingYear
from incidents.limits import Clock
from producers.published import Request, requests

Limit = tuple[ClockKind, int]
Votes = dict[str, Counter[Limit]]


def votes(city: City, found: Iterable[Request]) -> tuple[Votes, Counter[str]]:
    """Per category the limits that its requests' targets speak for, and how many requests it has."""
    cast: Votes = defaultdict(Counter)
    n: Counter[str] = Counter()
    for request in found:
        n[request.category] += 1
        cast[request.category].update(_spoken_for(city, request))
    return cast, n


def chosen(cast: Counter[Limit]) -> Limit | None:
    """The limit with the most votes; None where no target speaks for one."""
    order = {ClockKind.WORK_DAY: 0, ClockKind.NATURAL_DAY: 1}
    return min(cast, key=lambda limit: (-cast[limit], order[limit[0]], limit[1]), default=None)


def _spoken_for(city: City, request: Request) -> Iterator[Limit]:
    work = city.worktime
    first, last = work.day_of(request.opened), work.day_of(request.target)
    try:
        yield from _matching(city, request, ClockKind.NATURAL_DAY, (last - first).days)
        yield from _matching(city, request, ClockKind.WORK_DAY, _workdays(city, work.day_of(work.clamp(request.opened)), last))
    except MissingYear:
        return


def _matching(city: City, request: Request, kind: ClockKind, days: int) -> Iterator[Limit]:
    if days > 0:
        clock = Clock(kind=kind, limit=days, began_at=request.opened, rules=city.rules)
        if abs(limits.due(city.worktime, clock) - request.target) <= WITHIN:
            yield kind, days


def _workdays(city: City, first: date, last: date) -> int:
    assert city.calendar is not None
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return sum(city.calendar.is_workday(day) for day in days)


def write(folder: Path, fitted: dict[str, Limit]) -> None:
    """Put the limits into the catalogue's rows."""
    for path in sorted((folder / "catalogue").glob("*.toml")):
        rows = path.read_text(encoding="utf-8").split("[[category]]")
        path.write_text("[[category]]".join(_row(row, fitted) for row in rows), encoding="utf-8")


def _row(row: str, fitted: dict[str, Limit]) -> str:
    key = re.search(r'^key = "(\w+)"', row, re.MULTILINE)
    if key is None or key[1] not in fitted:
        return row
    clock, days = fitted[key[1]]
    return re.sub(r'clock = "\w+", limit = [\d.]+', f'clock = "{clock}", limit = {days}', row, count=1)


def main() -> None:
    """Prints type, clock, N and the share of its targets; writes when asked to."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--mapping", required=True)
    parser.add_argument("--write", action="store_true")
    wish = parser.parse_args()
    settings = load_settings()
    city = load_city(settings)
    cast, n = votes(city, requests(wish.file, load_mapping(wish.mapping, settings.config_dir, settings.city), city.code))
    fitted = {category: limit for category, votes in cast.items() if (limit := chosen(votes)) is not None}
    for category, (clock, days) in sorted(fitted.items(), key=lambda each: -n[each[0]]):
        print(f"{category:60} {clock:12} {days:4} {cast[category][clock, days]:6} of {n[category]:6}")
    hits = sum(cast[category][limit] for category, limit in fitted.items())
    print(f"all: {hits} of {n.total()} targets ({hits / max(n.total(), 1):.2%})", file=sys.stderr)
    if wish.write:
        write(city_folder(settings), fitted)


if __name__ == "__main__":
    main()

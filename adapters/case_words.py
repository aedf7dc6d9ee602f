"""What a case is found by: words of its number, address and description, and marks of its fields, as both databases index them alike.

Chinese is cut into single characters and pairs, so that any part of a phrase finds it; words of other scripts are found by their first two
letters or more. Every word is asked for as it stands in the index, for only then both databases read it off in order. Telephone and
identity card numbers and plates that somebody wrote into a description are no words. Categories and units stand as marks and are searched
by the names that they have today, likewise; a machine's source and what names the thing (a part's code, the `match` of a sealed plate) are
found as a whole. The other marks are not for people: they let the index alone answer what would otherwise be looked up case by case
(adapters/case_search.py).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidents.catalogue import City
from incidents.sealing import is_match
from incidents.vocabulary import MACHINES, Match

MOST_CHARACTERS = 2_000
MOST_TERMS = 8
LONGEST_BEGINNING = 12
MARKED = ("district", "category", "unit", "severity", "channel")
OPEN = "open_"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SQUARES_PER_DEGREE = 100
"""A square is 1.1 km from south to north and, in the latitudes of a Chinese city, 0.9 km from west to east."""
SQUARES_IN_A_ROW = 360 * SQUARES_PER_DEGREE
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_PERSONAL = re.compile(rf"\d(?:[\s-]?\d){{6,}}x?|[{_HAN}][a-z][\s·-]?[a-z0-9]{{5,6}}(?![a-z0-9])")
_NOT_A_KEY = re.compile(r"[^a-z0-9]")


def words_of(case: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """The words and marks of a case (its JSON, and its row of `cases`), apart by spaces, each once."""
    found = dict.fromkeys([case["case_id"].rpartition("-")[2].lower(), *_marks(case, row)])
    for text in (case["place"].get("address"), case.get("description")):
        for run in _RUN.findall(_PERSONAL.sub(" ", _folded(text or ""))):
            found.update(dict.fromkeys([*run, *_pairs(run)] if _is_han(run) else _beginnings(run)))
    return " ".join(found)


def _marks(case: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    yield from (mark(name, row[name]) for name in MARKED if row[name] is not None)
    if row["subdistrict"] is not None:
        yield mark("subdistrict", row["subdistrict"])
    yield from (mark("involved", unit) for unit in units_of(case))
    yield from time_marks(row["opened_ms"])
    yield from (square_mark(row["square"]), large_square_mark(row["square"]))
    yield OPEN if row["is_open"] else mark("ended", row["state"])
    if case["channel"] in MACHINES:
        yield mark("source", case["source"])
    identity = case.get("identity")
    if identity and (identity["kind"] != Match.PLATE or is_match(identity["value"])):
        yield mark("thing", identity["value"])


def _beginnings(run: str) -> list[str]:
    """
    >>> _beginnings("gravel"), _beginnings("388")
    (['gr', 'gra', 'grav', 'grave', 'gravel'], ['388'])
    """
    return [run] if run.isdigit() or len(run) < 3 else [run[:end] for end in range(2, min(len(run), LONGEST_BEGINNING) + 1)]


def mark(kind: str, key: object) -> str:
    """What stands in the index for a value of a field; no word of a text looks like it."""
    return f"{kind}_{_NOT_A_KEY.sub('_', str(key).casefold())}"


def units_of(case: Mapping[str, Any]) -> set[str]:
    """Who leads or assists."""
    lead = case.get("unit")
    return {*(case.get("assisting") or ()), *([lead] if lead else ())}


def time_marks(ms: int) -> tuple[str, str]:
    """The hour and the day (UTC) of a moment."""
    return f"hour_{ms // HOUR_MS}", f"day_{ms // DAY_MS}"


def square_mark(square: int) -> str:
    """A square of about a kilometre."""
    return f"square_{square}"


def large_square_mark(square: int) -> str:
    """The square of about ten kilometres around one."""
    row, column = divmod(square, SQUARES_IN_A_ROW)
    return f"large_{row // 10}_{column // 10}"


def square_of(lon: float, lat: float) -> int:
    """The square of about a kilometre that a point (WGS-84 degrees) lies in; squares of a row from west to east follow each other."""
    return int((lat + 90) * SQUARES_PER_DEGREE) * SQUARES_IN_A_ROW + int((lon + 180) * SQUARES_PER_DEGREE)


def squares_in(bbox: Sequence[float], size: int = 1) -> tuple[range, range]:
    """The rows of squares that a box (west, south, east, north) touches, each by its first square, and their places in a row.

    Of every so many a side; none of a box that is inside out.
    """
    west, south, east, north = bbox
    (top, left), (bottom, right) = divmod(square_of(west, north), SQUARES_IN_A_ROW), divmod(square_of(east, south), SQUARES_IN_A_ROW)
    first, last = bottom // size * size, top // size * size
    rows = range(first * SQUARES_IN_A_ROW, last * SQUARES_IN_A_ROW + 1, size * SQUARES_IN_A_ROW)
    return rows, range(left // size * size, right // size * size + 1, size)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold()


def _is_han(run: str) -> bool:
    return run[0] >= "\u3400" and _RUN.fullmatch(run + "一") is not None


def _names(text: str) -> re.Pattern[str]:
    """What a name must hold to be meant: a part of it in Chinese; elsewhere two letters or more that begin a word, a number as a whole.

    >>> [bool(_names(text).search("sanitation-370202 市南区环卫")) for text in ("环卫", "san", "370202", "370", "tation", "s")]
    [True, True, True, False, False, False]
    """
    if not text.isascii():
        return re.compile(re.escape(text))
    end = r"(?![0-9])" if text[-1].isdigit() else ""
    return re.compile(rf"(?<![a-z0-9]){re.escape(text)}{end}" if len(text) > 1 else "(?!)")


def _pairs(run: str) -> list[str]:
    """
    >>> _pairs("积水点")
    ['积水', '水点']
    """
    return [run[at : at + 2] for at in range(len(run) - 1)]


@dataclass(frozen=True)
class Term:
    """A part of a search: the case has all of `words`, or one of `marks`."""

    words: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


NOTHING = Term(marks=("nothing_",))
"""What no case has."""


class Names:
    """What categories and units are called, in both languages, for searches that name one."""

    def __init__(self, city: City) -> None:
        kinds = ("category", city.categories), ("unit", city.units)
        self._names: Mapping[str, str] = {
            mark(kind, each.key): f"{each.key}\n{each.name.zh}\n{each.name.en}".casefold() for kind, named in kinds for each in named
        }

    def terms(self, q: str) -> Sequence[Term]:
        """The parts of a search, apart by spaces, all of which must hold; a single letter beside others says nothing."""
        texts = _folded(q).split()[:MOST_TERMS]
        telling = [text for text in texts if len(text) > 1 or not "a" <= text <= "z"]
        return [self._term(text) for text in telling or texts] or [NOTHING]

    def _term(self, text: str) -> Term:
        whole = (mark("source", text), mark("thing", text)) if text.isascii() else ()
        named = _names(text)
        marks = (*(key for key, name in self._names.items() if named.search(name)), *whole)
        runs = [] if _PERSONAL.search(text) else _RUN.findall(text)
        words = [part for run in runs for part in ((_pairs(run) or [run]) if _is_han(run) else [run[:LONGEST_BEGINNING]])]
        return Term(tuple(words), marks) if words or marks else NOTHING


def for_sqlite(terms: Iterable[Term]) -> str:
    """The search as FTS5's MATCH wants it."""
    return " AND ".join(_one_of(term, '"', " AND ", " OR ") for term in terms)


def for_postgres(terms: Iterable[Term]) -> str:
    """The search as the text of a `tsquery`, with `@` for the week."""
    return " & ".join(_one_of(term, "'", " & ", " | ", "@:") for term in terms)


def _one_of(term: Term, quote: str, both: str, either: str, before: str = "") -> str:
    """Words hold letters and digits only, so that no quote needs escaping."""
    words, marks = ([f"{quote}{before}{each}{quote}" for each in several] for several in (term.words, term.marks))
    return f"({either.join([f'({both.join(words)})', *marks] if words else marks)})"

"""What a case is found by when somebody searches: its own number, address and description, as words that both databases index alike.

Chinese is cut into single characters and pairs, so that any part of a phrase finds it; other scripts into whole words, found by their
beginning. Category and unit stand as keys and are searched by the names that they have today; a machine's source and what names the thing
(a part's code, the `match` of a sealed plate) are found as a whole. Telephone and identity card numbers and plates that somebody wrote into
a description are no words.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidents.catalogue import MACHINES, City, Match
from incidents.sealing import is_match

MOST_CHARACTERS = 2_000
MOST_TERMS = 8
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_PERSONAL = re.compile(rf"\d(?:[\s-]?\d){{6,}}x?|[{_HAN}][a-z][\s·-]?[a-z0-9]{{5,6}}(?![a-z0-9])")
_NOT_A_KEY = re.compile(r"[^a-z0-9]")


def words_of(case: Mapping[str, Any]) -> str:
    """The words of a case as JSON, apart by spaces, each once."""
    found = dict.fromkeys([case["case_id"].rpartition("-")[2].lower(), _key("c", case["category"])])
    if case.get("unit"):
        found[_key("u", case["unit"])] = None
    if case["channel"] in MACHINES:
        found[_key("s", case["source"])] = None
    identity = case.get("identity")
    if identity and (identity["kind"] != Match.PLATE or is_match(identity["value"])):
        found[_key("i", identity["value"])] = None
    for text in (case["place"].get("address"), case.get("description")):
        for run in _RUN.findall(_PERSONAL.sub(" ", _folded(text or ""))):
            found.update(dict.fromkeys([*run, *_pairs(run)] if _is_han(run) else [run]))
    return " ".join(found)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold()


def _is_han(run: str) -> bool:
    return run[0] >= "\u3400" and _RUN.fullmatch(run + "一") is not None


def _pairs(run: str) -> list[str]:
    """
    >>> _pairs("积水点")
    ['积水', '水点']
    """
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _key(kind: str, key: str) -> str:
    return f"{kind}_{_NOT_A_KEY.sub('_', key.casefold())}"


@dataclass(frozen=True)
class Term:
    """A part of a search: the case has all of `words` and words that begin with each of `beginnings`, or it has one of `keys`."""

    words: tuple[str, ...]
    beginnings: tuple[str, ...]
    keys: tuple[str, ...]


class Names:
    """What categories and units are called, in both languages, for searches that name one."""

    def __init__(self, city: City) -> None:
        kinds = ("c", city.categories), ("u", city.units)
        self._names: Mapping[str, str] = {
            _key(kind, each.key): f"{each.key}\n{each.name.zh}\n{each.name.en}".casefold() for kind, named in kinds for each in named
        }

    def terms(self, q: str) -> Sequence[Term]:
        """The parts of a search, apart by spaces, all of which must hold."""
        return [self._term(text) for text in _folded(q).split()[:MOST_TERMS]]

    def _term(self, text: str) -> Term:
        whole = (_key("s", text), _key("i", text)) if text.isascii() else ()
        keys = (*(key for key, name in self._names.items() if text in name), *whole)
        runs = [] if _PERSONAL.search(text) else _RUN.findall(text)
        words = [part for run in runs if _is_han(run) for part in (_pairs(run) or [run])]
        return Term(tuple(words), tuple(run for run in runs if not _is_han(run)), keys)


def for_sqlite(terms: Iterable[Term]) -> str:
    """The search as FTS5's MATCH wants it."""
    return " AND ".join(_one_of(term, '"{}"', '"{}" *', " AND ", " OR ") for term in terms)


def for_postgres(terms: Iterable[Term]) -> str:
    """The search as the text of a `tsquery`."""
    return " & ".join(_one_of(term, "'{}'", "'{}':*", " & ", " | ") for term in terms)


def _one_of(term: Term, word: str, beginning: str, both: str, either: str) -> str:
    """Words hold letters and digits only, so that no quote needs escaping."""
    said = [*map(word.format, term.words), *map(beginning.format, term.beginnings)]
    ways = [f"({both.join(said)})"] if said else []
    return f"({either.join([*ways, *map(word.format, term.keys)])})"

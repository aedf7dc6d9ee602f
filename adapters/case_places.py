"""Lists of a box through the indices by square, which hold the points too: only the rows that are shown are looked up.

An index gives the cases of one square in the order of their numbers. SQLite merges the squares of a box while it reads them; PostgreSQL
takes from each as many as the list needs. Through the index of words every case of a square costs two rows somewhere on the disk, to say
that it lies outside of the box.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Integer, Select, Text, cast, func, literal_column, select, true, union_all

from adapters.case_filter import Condition, Filter
from adapters.case_tables import CASES, CATEGORY_SQUARES, SQUARES
from adapters.case_words import squares_in
from incidents.rights import Scope

MOST_PLACES = 40
"""A larger box is asked of the index of words, which knows squares of ten kilometres: in one that large the newest cases are soon found."""
FEW_SQUARES = 6
"""So many are read whole, whatever else is asked: what the index does not hold is looked up for each case in the box."""
ANSWERED = frozenset({"bbox", "category", "district", "since", "until"})
"""What these indices answer by themselves."""
Place = tuple[int, str | None]
"""A square, or one category's cases in it."""
C = CASES.c


def places_of(scope: Scope, wanted: Filter) -> list[Place]:
    """What a list is read off by, place for place; nothing where another index answers it."""
    if wanted.bbox is None or wanted.words or wanted.case_id or wanted.id or wanted.grid:
        return []
    rows, columns = squares_in(wanted.bbox)
    categories = (wanted.category,) if isinstance(wanted.category, str) else wanted.category or (None,)
    count = len(rows) * len(columns)
    if count * len(categories) > MOST_PLACES or (count > FEW_SQUARES and not _is_answered(scope, wanted)):
        return []
    return [(row + column, category) for row in rows for column in columns for category in categories]


def sqlite_by_places(places: Sequence[Place], here: Select[Any], most: int | None) -> Select[Any]:
    """The numbers of a list, the newest first; `here` gives those of one place, but does not yet say of which."""
    found = union_all(*(here.where(*_at(*each)).with_hint(CASES, f"INDEXED BY {_index(each)}", "sqlite") for each in places))
    return found.order_by(literal_column("number").desc()).limit(most).subquery("placed").select()


def postgres_by_places(places: Sequence[Place], here: Select[Any], most: int | None) -> Select[Any]:
    """The same."""
    squares, categories = zip(*places, strict=True)
    arrays = cast(list(squares), ARRAY(Integer)), cast(list(categories), ARRAY(Text))
    given = func.unnest(*arrays).table_valued("square", "category").render_derived(name="places")
    at = _at(given.c.square, None if places[0][1] is None else given.c.category)
    found = here.where(*at).order_by(C.number.desc()).limit(most).lateral("placed")
    return select(found.c.number).select_from(given.join(found, true())).order_by(found.c.number.desc()).limit(most)


def _at(square: Any, category: Any) -> list[Condition]:
    return [C.square == square] + ([] if category is None else [C.category == category])


def _index(place: Place) -> str:
    return SQUARES if place[1] is None else CATEGORY_SQUARES


def _is_answered(scope: Scope, wanted: Filter) -> bool:
    asked = (name for name in Filter.model_fields if name not in ANSWERED and getattr(wanted, name) not in (None, ()))
    return next(asked, None) is None and scope.unit is None and scope.subdistricts is None

"""Lists in parts: of a box by its squares, of districts by categories. An index gives each part by itself, in the order of numbers.

It holds all that such lists choose by, a case's point too, so that only the rows that are shown are looked up. SQLite merges the parts
while it reads them; PostgreSQL takes from each as many as the list needs. Through the index of words every case of a square costs two rows
somewhere on the disk, to say that it lies outside of the box, and marks that most cases have are read through the whole year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import ARRAY, Select, cast, func, literal_column, select, true, union_all

from adapters.case_filter import Bbox, Filter
from adapters.case_tables import CASES, CATEGORY_DISTRICTS, CATEGORY_SQUARES, SQUARES
from adapters.case_words import squares_in
from incidents.rights import Scope

MOST_SQLITE, MOST_POSTGRES = 40, 200
"""Parts of a list: boxes of five and of fourteen kilometres. To SQLite each is a statement; its index of words has large boxes in order."""
FEW_SQUARES = 6
"""So many are read whole, whatever else is asked: what the index does not hold is looked up for each case in the box."""
IN_SQUARES = frozenset({"bbox", "category", "district", "since", "until"})
IN_DISTRICTS = frozenset({"category", "district", "severity", "channel", "status", "since", "until"})
"""The filters that the indices answer by themselves."""
C = CASES.c


@dataclass(frozen=True)
class Parts:
    """By which index, and for each part its values of the index' first columns."""

    index: str
    columns: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]


def parts_of(scope: Scope, wanted: Filter, most: int) -> Parts | None:
    """The parts that a list is read off by; None where another index answers it."""
    if wanted.words or wanted.case_id or wanted.id or wanted.grid:
        return None
    categories = _values(wanted.category)
    if wanted.bbox is not None:
        return _squares(scope, wanted, wanted.bbox, categories, most)
    districts = _values(wanted.district) or scope.districts or ()
    if not 0 < len(categories) * len(districts) <= most or not _is_all(scope, wanted, IN_DISTRICTS):
        return None
    return Parts(CATEGORY_DISTRICTS, ("category", "district"), list(product(categories, districts)))


def _squares(scope: Scope, wanted: Filter, bbox: Bbox, categories: Sequence[str], most: int) -> Parts | None:
    rows, columns = squares_in(bbox)
    count = len(rows) * len(columns)
    if not 0 < count * max(1, len(categories)) <= most or (count > FEW_SQUARES and not _is_all(scope, wanted, IN_SQUARES)):
        return None
    squares = [row + column for row in rows for column in columns]
    if categories:
        return Parts(CATEGORY_SQUARES, ("category", "square"), list(product(categories, squares)))
    return Parts(SQUARES, ("square",), [(square,) for square in squares])


def sqlite_numbers_of(parts: Parts, each: Select[Any], most: int | None) -> Select[Any]:
    """The numbers of a list, the newest first; `each` gives those of one part, but does not yet say of which."""
    hinted = each.with_hint(CASES, f"INDEXED BY {parts.index}", "sqlite")
    found = union_all(
        *(hinted.where(*(C[name] == value for name, value in zip(parts.columns, part, strict=True))) for part in parts.values)
    )
    return found.order_by(literal_column("number").desc()).limit(most).subquery("merged").select()


def postgres_numbers_of(parts: Parts, each: Select[Any], most: int | None) -> Select[Any]:
    """The same."""
    columns = zip(parts.columns, zip(*parts.values, strict=True), strict=True)
    arrays = [cast(list(values), ARRAY(C[name].type)) for name, values in columns]
    part = func.unnest(*arrays).table_valued(*parts.columns).render_derived(name="parts")
    found = each.where(*(C[name] == part.c[name] for name in parts.columns)).order_by(C.number.desc()).limit(most).lateral("found")
    return select(found.c.number).select_from(part.join(found, true())).order_by(found.c.number.desc()).limit(most)


def _values(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _is_all(scope: Scope, wanted: Filter, names: frozenset[str]) -> bool:
    """Whether nothing but these filters is asked, by somebody who sees districts."""
    others = (name for name in Filter.model_fields if name not in names and getattr(wanted, name) not in (None, ()))
    return next(others, None) is None and scope.unit is None and scope.subdistricts is None

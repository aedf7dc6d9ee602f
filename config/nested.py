"""Lines of a TOML file whose rows stand in rows: `[[tree.routes.routes]]`, `[[receivers.webhook]]`.

`Document` finds the n-th row of a name; here a place is the whole way down: `("receivers", 1, "webhook", 0, "url")`.
"""

import re

from config.documents import Document, Loc

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")


class NestedDocument(Document):
    """A document with rows in rows."""

    @classmethod
    def of(cls, document: Document, text: str) -> "NestedDocument":
        """The same document; `text` is the file's."""
        return cls(document.path, text, document.table, document.problems, document.broken)

    def line(self, *loc: str | int) -> int:
        """Line of what `loc` names, or of the nearest thing around it that has one; 1 for the file."""
        headers = self._headers()
        for length in range(len(loc), -1, -1):
            begin = headers.get(loc[:length])
            if begin is not None:
                return self._within(begin, headers, [step for step in loc[length:] if isinstance(step, str)]) + 1
        return 1

    def _within(self, begin: int, headers: dict[Loc, int], keys: list[str]) -> int:
        """Of the keys below a header the last that is written there."""
        end = min((at for at in headers.values() if at > begin), default=len(self._lines))
        for key in keys:
            begin = self._key(key, begin, end)
        return begin

    def _headers(self) -> dict[Loc, int]:
        """Every header's place and line, from 0; the file itself is its first line."""
        found: dict[Loc, int] = {(): 0}
        counts: dict[Loc, int] = {}
        for at, text in enumerate(self._lines):
            if header := _HEADER.match(text):
                found[_place(header[2].split("."), header[1] == "[[", counts)] = at
        return found


def _place(names: list[str], is_row: bool, counts: dict[Loc, int]) -> Loc:
    """Where a header stands: below the last row of each name before it."""
    place: Loc = ()
    for number, name in enumerate(names):
        place = (*place, name)
        if is_row and number == len(names) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place

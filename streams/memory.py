"""What a worker remembers of its sources: which open case explains a source's repeats of one category (ARCHITECTURE.md §4, "recognise").

Nothing here decides for good: whatever is recognised travels to the atomic call with its case as a hint, and the script checks it.
"""

from streams.repeats import Known

MOST_KNOWN = 300_000
"""Pairs of source and category remembered per generation; two generations are kept, the older one forgotten when the younger is full."""


class Memory:
    """Bounded: what was not asked for in the last `most` to `2 * most` new pairs is forgotten. `young` may be read, `get` reads both.

    By category, then by source: a pair as a key would be one more object to fetch from memory for every report.
    """

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._size = 0  # of the younger generation
        self.young: dict[str, dict[str, Known]] = {}
        self._old: dict[str, dict[str, Known]] = {}

    def get(self, source: str, category: str) -> Known | None:
        """What is known of a source and category."""
        known = self.young.get(category, {}).get(source)
        if known is None and category in self._old:
            known = self._old[category].pop(source, None)
            if known is not None:
                self.keep(source, category, known)
        return known

    def keep(self, source: str, category: str, known: Known) -> None:
        """Remember, in place of what was known before."""
        sources = self.young.setdefault(category, {})
        self._size += source not in sources
        sources[source] = known
        if self._size >= self._most:
            self._old, self.young, self._size = self.young, {}, 0

    def drop(self, source: str, category: str) -> None:
        """Forget."""
        self._size -= self.young.get(category, {}).pop(source, None) is not None
        self._old.get(category, {}).pop(source, None)

    def __len__(self) -> int:
        return self._size + sum(map(len, self._old.values()))

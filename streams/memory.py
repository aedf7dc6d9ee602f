"""What a worker remembers of its sources: which open case explains a source's repeats of one category (ARCHITECTURE.md §4, "recognise").

Nothing here decides for good: whatever is recognised travels to the atomic call with its case as a hint, and the script checks it.
"""

from streams.repeats import Known

MOST_KNOWN = 300_000
"""Pairs of source and category remembered per generation; two generations are kept, the older one forgotten when the younger is full."""

Key = tuple[str, str]
"""Source and category."""


class Memory:
    """Bounded: what was not asked for in the last `most` to `2 * most` new pairs is forgotten. `young` may be read, `get` reads both."""

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self.young: dict[Key, Known] = {}
        self._old: dict[Key, Known] = {}

    def get(self, key: Key) -> Known | None:
        """What is known of a source and category."""
        known = self.young.get(key)
        if known is None and self._old:
            known = self._old.pop(key, None)
            if known is not None:
                self.keep(key, known)
        return known

    def keep(self, key: Key, known: Known) -> None:
        """Remember, in place of what was known before."""
        self.young[key] = known
        if len(self.young) >= self._most:
            self._old, self.young = self.young, {}

    def drop(self, key: Key) -> None:
        """Forget."""
        self.young.pop(key, None)
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

"""What of a lane goes to the atomic call next: everything of a source in the order of the log, and as much as one call has time for."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from adapters.sift import Learned
from incidents.steps.sifting import Group
from streams.repeats import MOST_REPORTS, ROW, Pending, Repeats

MOST_GROUPS = 1000
"""In one call (ARCHITECTURE.md §3)."""
LEAST_GROUPS = 32

Item = Group | Repeats


class Calls:
    """Groups that wait for a call, those in the call that is under way, and the sources whose repeats are due."""

    def __init__(self, pending: Pending) -> None:
        self.inflight: list[Group] = []
        self.untold: deque[int] = deque()  # the first offset of each call that is answered and not yet told
        self._pending = pending
        self._todo: deque[Item] = deque()
        self._due: deque[str] = deque()  # sources whose repeats are to go when nothing new is to be asked
        self._most = MOST_GROUPS  # groups that a call can answer in the time it has

    def clear(self) -> None:
        """Forget all that waits; how much a call can answer stays known."""
        self.inflight, self.untold, self._todo, self._due = [], deque(), deque(), deque()

    def add(self, items: Iterable[Item]) -> None:
        """Behind everything that waits."""
        self._todo.extend(items)

    def settle(self) -> None:
        """Send everything pending on its way, behind what is new: for that people wait."""
        self._due = deque(self._pending.sources())

    def take(self) -> list[Group]:
        """The next groups to sift, in flight from now on; empty when there is nothing to do."""
        assert not self.inflight
        reports = 0
        taken: list[Group] = []
        while len(taken) < self._most:
            while self._due and not self._todo:
                self._todo.extend(self._pending.of_source(self._due.popleft()))
            if not self._todo or reports + _size(self._todo[0]) > MOST_REPORTS:
                break
            item = self._todo.popleft()
            reports += _size(item)
            taken.append(item.group() if isinstance(item, Repeats) else item)
        self.inflight = taken
        return taken

    def put_back(self) -> None:
        """The call got no answer: the same groups are next again."""
        self._todo.extendleft(reversed(self.inflight))
        self.inflight = []

    def answered(self, learned: Sequence[Learned], again: Sequence[Group], split: bool) -> None:
        """The call is over, and these are next again; `split`: some of them are parts of what stood there."""
        done = max((at for at, answer in enumerate(learned, 1) if answer.verdict != "later"), default=0)
        if done < len(learned):
            self._most = max(LEAST_GROUPS, (len(learned) + done) // 2)  # the time was up, if only because others had the processor
        elif done == self._most:
            self._most = min(MOST_GROUPS, done + done // 8 + 1)  # twice as many would be a third packed for nothing
        self.untold.append(min(map(_first, self.inflight)))
        self.inflight = []
        self._todo.extendleft(reversed(again))
        if split:  # what waited behind a split group may have overtaken it: by their offsets everything is in the order of the log again
            self._todo = deque(sorted(self._todo, key=_first))

    def waiting(self) -> int:
        """Groups that wait or are under way, those of due sources as one each."""
        return len(self._todo) + len(self._due) + len(self.inflight)

    def settling(self) -> bool:
        """Whether some of what was pending at the last `settle` is not yet asked for."""
        return bool(self._due)

    def firsts(self) -> Iterator[int]:
        """The first offset of everything that waits, is under way or not yet told, but of what is only due."""
        yield from map(_first, (*self._todo, *self.inflight))
        yield from self.untold


def _size(item: Item) -> int:
    return len(item.offsets) if isinstance(item, Group) else len(item.reports) // ROW


def _first(item: Item) -> int:
    return item.offsets[0] if isinstance(item, Group) else item.reports[0]

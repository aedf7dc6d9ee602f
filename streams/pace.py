"""How long a stage waits for more, as what trickles in costs by the piece, not by the record."""

from statistics import fmean

REST, AT_MOST_S = 4.0, 0.2
FEW = 100
SETTLE_EVERY_S, SETTLE_LATEST_S = 1.0, 4.0
"""How long a recognised repeat waits until it is counted in Redis, where that is quickly done; and at most, as what is read is to be
committed within five seconds."""

OFTEN, LATE_S, GATHER_MS = 100, 0.05, 50
"""Commands a second, and the mean age of a report when its case is a fact, from which commands are gathered; and for how long."""


def rest_s(pieces: int, took_s: float) -> float:
    """Seconds to rest after a batch of so many records (or groups) that took so long: four times that, none after many.

    A stage that is far behind never rests, for its batches are full; one that is asked seldom rests for milliseconds. In between, it
    takes a fifth of its time at most. A city's 250 facts a second came to the tables in thirty pieces and took a third of a core.
    """
    return 0.0 if pieces >= FEW else min(AT_MOST_S, REST * took_s)


def wait_s(together: float, behind_s: float) -> float:
    """Seconds that recognised repeats wait for more of their kind: as many as go together in a group by now, or as reading is behind.

    Of a backlog dozens go together, and counting is the cheaper the longer they wait; of a city hardly two, and waiting only makes them
    later (measured with 70,000 to 230,000 cameras: 2.9 s behind, now 1.4), unless there is more of it than the machine can take.
    """
    return min(SETTLE_LATEST_S, max(SETTLE_EVERY_S * together, behind_s))


class Flow:
    """Whether commands come so often, and reports so late, that the broker may hold back what comes next: then more come together.

    A city's 180 commands a second came to closure in 48 pieces, and two thirds of what it cost were the pieces. Where a new case is a fact
    after 50 ms on the mean of a second, nobody notices another 25; on a machine that has time (10 ms, 300 commands a second) they would.
    """

    def __init__(self) -> None:
        self._since_s = 0.0
        self._records = 0
        self._ages: list[float] = []
        self._gathers = False

    def opened(self, age_s: float) -> None:
        """A report of this age, in seconds, has become a case."""
        self._ages.append(age_s)

    def took(self, records: int, now_s: float) -> None:
        """A batch of so many came at this time, in seconds that only rise."""
        self._records += records
        seconds = now_s - self._since_s
        if seconds >= 1:
            self._gathers = self._records >= OFTEN * seconds and bool(self._ages) and fmean(self._ages) >= LATE_S
            self._since_s, self._records, self._ages = now_s, 0, []

    def gather_ms(self) -> int:
        """Milliseconds; 0 where it is not worth it."""
        return GATHER_MS if self._gathers else 0

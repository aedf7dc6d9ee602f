"""How long a stage waits for more, as what trickles in costs by the piece, not by the record."""

REST, AT_MOST_S = 4.0, 0.2
FEW = 100
SETTLE_EVERY_S, SETTLE_LATEST_S = 1.0, 4.0
"""How long a recognised repeat waits until it is counted in Redis, where that is quickly done; and at most, as what is read is to be
committed within five seconds."""

OFTEN, GATHER_MS = 100, 50


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
    """How many records come in a second, from batch to batch, and how long the broker may hold back the next that more come together.

    One at a time they come without waiting. A city's 180 commands a second came to closure in 48 pieces, and two thirds of what it cost
    were the pieces; now they wait 25 ms, 50 at most.
    """

    def __init__(self) -> None:
        self._since_s = 0.0
        self._records = 0
        self._per_s = 0.0

    def took(self, records: int, now_s: float) -> None:
        """A batch of so many came at this time, in seconds that only rise."""
        self._records += records
        if now_s - self._since_s >= 1:
            self._per_s = self._records / (now_s - self._since_s)
            self._since_s, self._records = now_s, 0

    def gather_ms(self) -> int:
        """Milliseconds; 0 where it is not worth it."""
        return GATHER_MS if self._per_s >= OFTEN else 0

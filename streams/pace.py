"""How long a stage waits for more, as what trickles in costs by the piece, not by the record."""

REST, AT_MOST_S = 4.0, 0.2
FEW = 100
SETTLE_EVERY_S, SETTLE_LATEST_S = 1.0, 4.0
"""How long a recognised repeat waits until it is counted in Redis, where that is quickly done; and at most, as what is read is to be
committed within five seconds."""

GATHER_AT_MOST_MS = 200


def rest_s(pieces: int, took_s: float) -> float:
    """Seconds to rest after a batch of so many records (or groups) that took so long: four times that, none after many.

    A stage that is far behind never rests, for its batches are full; one that is asked seldom rests for milliseconds. In between, it
    takes a fifth of its time at most. A city's 250 facts a second came to the tables in thirty pieces and took a third of a core.
    """
    return 0.0 if pieces >= FEW else min(AT_MOST_S, REST * took_s)


def gather_ms(aged_s: float) -> int:
    """Milliseconds that what comes next may wait for more of its kind where reports are so old when they become facts.

    A twentieth of that at most makes nobody wait noticeably longer, and what comes in a tenth of the pieces costs half as much. A city that
    keeps up (a report is a fact after 50 to 200 ms) hardly waits.
    """
    return min(GATHER_AT_MOST_MS, round(aged_s * 1000 / 20))


def wait_s(together: float, behind_s: float) -> float:
    """Seconds that recognised repeats wait for more of their kind: as many as go together in a group by now, or as reading is behind.

    Of a backlog dozens go together, and counting is the cheaper the longer they wait; of a city hardly two, and waiting only makes them
    later (measured with 70,000 to 230,000 cameras: 2.9 s behind, now 1.4), unless there is more of it than the machine can take.
    """
    return min(SETTLE_LATEST_S, max(SETTLE_EVERY_S * together, behind_s))

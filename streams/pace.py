"""How long a stage rests after a small piece of work: what trickles in costs by the piece, not by the record."""

REST, AT_MOST_S = 4.0, 0.2
FEW = 100


def rest_s(pieces: int, took_s: float) -> float:
    """Seconds to rest after a batch of so many records (or groups) that took so long: four times that, none after many.

    A stage that is far behind never rests, for its batches are full; one that is asked seldom rests for milliseconds. In between, it
    takes a fifth of its time at most. A city's 250 facts a second came to the tables in thirty pieces and took a third of a core.
    """
    return 0.0 if pieces >= FEW else min(AT_MOST_S, REST * took_s)

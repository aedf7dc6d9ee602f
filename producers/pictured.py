"""A source whose machines send a picture with what they saw; see `producers.album`. It stands between a simulation and the bus."""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson

from incidents.errors import TryAgain
from incidents.vocabulary import Channel
from producers.album import Album
from producers.base import Item, Source

MACHINES = frozenset(each.value for each in Channel if each.is_machine)


class Pictured:
    """A `producers.base.Source`: of `share` of another one's machines every report carries a picture; bad reports stay as they are."""

    def __init__(self, source: Source, album: Album, share: float) -> None:
        self._source = source
        self._album = album
        self._share = share

    @property
    def problems(self) -> Sequence[str]:
        """See Source."""
        return self._source.problems

    @property
    def problem_count(self) -> int:
        """See Source."""
        return self._source.problem_count

    @property
    def left_out(self) -> int:
        """See Source."""
        return self._source.left_out

    def progress(self) -> float | None:
        """See Source."""
        return self._source.progress()

    def items(self) -> Iterator[Item]:
        """See Source. A picture that cannot be kept holds up no report."""
        return map(self._pictured, self._source.items())

    def _pictured(self, item: Item) -> Item:
        if item.value is None or item.truth is None or item.truth.kind.startswith("bad"):
            return item
        event = orjson.loads(item.value)
        data = event["data"]
        if data["channel"] not in MACHINES or zlib.crc32(event["source"].encode()) % 1000 >= self._share * 1000:
            return item
        at = datetime.fromtimestamp((item.due_ms or 0) / 1000, UTC)
        try:
            data["evidence"] = [self._album.seen(data["category"], event["source"], at)]
        except TryAgain:
            return item
        return item._replace(value=orjson.dumps(event))

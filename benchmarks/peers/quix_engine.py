"""The job on Quix Streams: parse → `group_by` district (a repartition topic, for its state belongs to a message key) → RocksDB state with
a changelog → a sink that collapses updates per case and tells them at every checkpoint, once a second.

At least once, as by default. State keys are category and cell below the district's key, so one to four look-ups and one write a report.
Borders of districts: benchmarks/peers/job.py.
"""

from collections import defaultdict
from typing import Any

from confluent_kafka import Producer
from quixstreams import Application, State
from quixstreams.sinks import BaseSink

from benchmarks.peers.job import Bench, Open, Update, cells, district, nearest, parsed

bench = Bench()


def read(value: bytes) -> list[Any]:
    """The report as a row of the repartition topic; an empty one of a bad record."""
    return list(parsed(value) or ())


def key(row: list[Any]) -> str:
    """The district; bad records share a key."""
    return district(row[2], row[3]) if row else "bad"


def sift(row: list[Any], state: State) -> tuple[str, float, str]:
    """The case of a report, its time and id."""
    if not row:
        return "", 0.0, ""
    report_id, category, lon, lat, at = row
    names = [f"{category}|{name}" for name in cells(lon, lat, bench.radius_m)]
    around: dict[str, list[Open]] = {name: state.get(name, []) for name in names}
    case = nearest([each for found in around.values() for each in found], tuple(row), bench.radius_m, bench.window_s)
    name = names[0]
    if case is None:
        case = [f"C-{report_id}", lon, lat, at]
        around[name] = [each for each in around[name] if at - each[3] < bench.window_s] + [case]
    else:
        name = next(each for each, found in around.items() if any(one is case for one in found))
        case[3] = max(case[3], at)
    state.set(name, around[name])
    return case[0], at, report_id


class Told(BaseSink):
    """One record per case and checkpoint."""

    def setup(self) -> None:
        """Connect."""
        self._producer = Producer({"bootstrap.servers": bench.bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
        self._updates: dict[str, Update] = defaultdict(Update)

    def add(self, value: tuple[str, float, str], **_: Any) -> None:  # type: ignore[override]
        """Note one decision."""
        case, at, report_id = value
        self._updates[case].add(at, report_id if bench.assign else None)

    def flush(self) -> None:
        """Tell, and return when it is durable."""
        for case, update in self._updates.items():
            self._producer.produce(bench.out, update.encoded(case, bench.assign), case.encode())
        self._updates.clear()
        self._producer.flush()


def main() -> None:
    """Run until SIGTERM."""
    app = Application(
        bench.bootstrap,
        consumer_group=bench.group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=bench.state,
        loglevel="WARNING",
    )
    rows = app.dataframe(app.topic(bench.topic, value_deserializer="bytes")).apply(read)
    cases = rows.group_by(key, name="district").apply(sift, stateful=True)
    cases.sink(Told())
    app.run()


if __name__ == "__main__":
    main()

"""The job on Bytewax: KafkaSource → parse a batch → key by district → a stateful step that holds the district's cases → KafkaSink.

State is recovered from SQLite (a snapshot each 10 s). A district's updates are collapsed per case and told on the next whole second
(`notify_at`). Borders of districts: benchmarks/peers/job.py. As a script it starts one process per BENCH_THREADS and ends them with itself.
"""

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import init_db_dir

from benchmarks.peers.job import Bench, Open, Sight, Update, cells, district, nearest, parsed

bench = Bench()
Cases = dict[str, list[Open]]
Keyed = tuple[str, Sight | None]


class District(StatefulBatchLogic[Sight | None, KafkaSinkMessage[bytes, bytes], Cases]):
    """The open cases of one district, by category and cell."""

    def __init__(self, cases: Cases | None) -> None:
        self._cases: Cases = cases or {}
        self._updates: dict[str, Update] = defaultdict(Update)
        self._tell_at: datetime | None = None

    def on_batch(self, values: list[Sight | None]) -> tuple[Iterable[KafkaSinkMessage[bytes, bytes]], bool]:
        """Decide for each report; told later."""
        for sight in values:
            case, at, report_id = self._sifted(sight) if sight else ("", 0.0, "")
            self._updates[case].add(at, report_id if bench.assign else None)
        if self._tell_at is None:
            self._tell_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        return (), False

    def _sifted(self, sight: Sight) -> tuple[str, float, str]:
        report_id, category, lon, lat, at = sight
        names = cells(lon, lat, bench.radius_m)
        around = [case for name in names for case in self._cases.get(f"{category}|{name}", ())]
        case = nearest(around, sight, bench.radius_m, bench.window_s) if around else None
        if case is None:
            case = [f"C-{report_id}", lon, lat, at]
            own = f"{category}|{names[0]}"
            still = [each for each in self._cases.get(own, ()) if at - each[3] < bench.window_s]
            self._cases[own] = [*still, case]
        case[3] = max(case[3], at)
        return case[0], at, report_id

    def on_notify(self) -> tuple[Iterable[KafkaSinkMessage[bytes, bytes]], bool]:
        """Tell what changed."""
        told = [KafkaSinkMessage(case.encode(), update.encoded(case, bench.assign)) for case, update in self._updates.items()]
        self._updates.clear()
        self._tell_at = None
        return told, False

    def notify_at(self) -> datetime | None:
        """When to tell next."""
        return self._tell_at

    def snapshot(self) -> Cases:
        """What recovery needs; Bytewax pickles it at once."""
        return self._cases


def keyed(messages: list[KafkaSourceMessage[bytes, bytes]]) -> Iterable[Keyed]:
    """Parse a batch and key it by district; bad records share one key."""
    for message in messages:
        sight = parsed(message.value)
        yield (district(sight[2], sight[3]), sight) if sight else ("", None)


flow = Dataflow("sift")
source = op.input("reported", flow, KafkaSource([bench.bootstrap], [bench.topic]))
sights = op.flat_map_batch("parse", source, keyed)
updates = op.stateful_batch("sift", sights, District)
op.output("told", op.map("value", updates, lambda item: item[1]), KafkaSink([bench.bootstrap], bench.out))


def main() -> None:
    """Start the processes of the cluster and end with them."""
    recovery = Path(bench.state) / "recovery"
    recovery.mkdir()
    init_db_dir(recovery, bench.threads)
    base = random.randrange(20_000, 31_000)
    addresses = ";".join(f"127.0.0.1:{base + number}" for number in range(bench.threads))
    words = [sys.executable, "-m", "bytewax.run", "benchmarks.peers.bytewax_engine:flow", "-r", str(recovery), "-s", "10", "-b", "0"]
    cluster = ["-a", addresses] if bench.threads > 1 else []
    own = [["-i", str(number), *cluster] if cluster else [] for number in range(bench.threads)]
    processes = [subprocess.Popen([*words, *each], env=os.environ) for each in own]

    def end(*_: object) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    codes = [process.wait() for process in processes]
    sys.exit(max(map(abs, codes)))


if __name__ == "__main__":
    main()

"""The job on Faust, as its guide would have it: an agent over batches (`take`), a table with a changelog, one update per case and batch.

The table is in memory (with RocksDB it is slower) and there is no `group_by`, so this is right with one worker only; with a repartition by
district, which a second worker would need, it is about half as fast. Both are in its favour.
"""

import os
from collections import defaultdict

import faust
from faust import Worker

from benchmarks.peers.job import Bench, Open, Sight, Update, cells, nearest, parsed

bench = Bench()
BATCH = 1000
WITHIN_S = 0.2

app = faust.App(
    bench.group,
    broker=f"kafka://{bench.bootstrap}",
    store="memory://",
    datadir=os.path.join(bench.state, "faust"),  # noqa: PTH118  # Faust takes text
    topic_partitions=8,
    topic_disable_leader=True,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
)
reported = app.topic(bench.topic, value_serializer="raw", key_serializer="raw")
told = app.topic(bench.out, value_serializer="raw", key_serializer="raw")
table = app.Table("cases", default=list, partitions=8, use_partitioner=True)


def sift(sight: Sight, changed: dict[str, list[Open]]) -> str:
    """The case of a report; `changed` holds the batch's cells, written to the table once in its end."""
    report_id, category, lon, lat, at = sight
    names = [f"{category}|{name}" for name in cells(lon, lat, bench.radius_m)]
    around = {name: changed[name] if name in changed else list(table[name]) for name in names}
    case = nearest([each for found in around.values() for each in found], sight, bench.radius_m, bench.window_s)
    if case is None:
        case = [f"C-{report_id}", lon, lat, at]
        own = around[names[0]] = [each for each in around[names[0]] if at - each[3] < bench.window_s]
        own.append(case)
        changed[names[0]] = own
    else:
        name = next(each for each, found in around.items() if any(one is case for one in found))
        changed[name] = around[name]
        case[3] = max(case[3], at)
    return str(case[0])


@app.agent(reported)  # type: ignore[untyped-decorator]
async def sifting(stream: faust.StreamT[bytes]) -> None:
    """Decide for a batch, then tell."""
    async for batch in stream.take(BATCH, within=WITHIN_S):
        updates: dict[str, Update] = defaultdict(Update)
        changed: dict[str, list[Open]] = {}
        for value in batch:
            sight = parsed(value)
            case = sift(sight, changed) if sight else ""
            updates[case].add(sight[4] if sight else 0.0, (sight[0] if sight else "") if bench.assign else None)
        for name, cases in changed.items():
            table[name] = cases
        for case, update in updates.items():
            told.send_soon(key=case.encode(), value=update.encoded(case, bench.assign))


if __name__ == "__main__":
    Worker(app, loglevel="WARNING").execute_from_commandline()

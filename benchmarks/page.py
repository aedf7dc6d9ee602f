"""docs/benchmarks.md and docs/benchmarks.svg, from the newest results of a contest and of sweeps. The words stand here."""

import json
from collections.abc import Iterator

from benchmarks.chart import drawn
from benchmarks.results import ORDERS, newest, newest_sweeps, open_cases_table, sweeps_table, table
from config.settings import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "benchmarks.svg"
TITLES = {
    "live": "Live order: 230,000 cameras, 10,000 open incidents, as it arrives (the headline)",
    "backlog": "Backlog: few cameras that repeat heavily, drained after a stop",
    "unique": "Nothing repeats: every report opens a case",
}
WORDS = """# Benchmarks
<!-- made by `make bench-peers` from benchmarks/results; do not edit -->
One job, *sift*: read every report, parse and validate it, decide whether it belongs to an open case of its category within 50 m that was
seen less than two hours ago (event time) or opens one, keep that durably, and say what changed. All engines ran in the same run, in turns,
over the same bytes, with the broker (and, for ours, Redis) on the same machine. Ours is `cityloop worker --only intake` as it is shipped,
one process, with everything on: the full model with the catalogue's rules per category, location, marks per source, fates of every report,
metrics.

![Reports a second of cityloop divided by those of each engine](benchmarks.svg)

Measured {date} at commit {commit}: {machine}. {runs} run(s) each; a ratio compares medians. Absolute figures hold for that machine only.
"""
NOTES = """
## How it is measured
- Simulated reports, encoded once as batches of 128 KB with the partition of their key (8 partitions). An engine starts over half as many
  **warm-up** reports; when it has told all of them, the measured reports are appended at once (about a second per million, in everybody's
  time), and time and CPU count until the last one is told on its output topic, by the broker's append times. So start-up, compilation
  and first sights of cameras count for nobody, and working ahead of what is told helps nobody.
- Every engine tells one record per case with the number of reports it stands for, at most once a second. The numbers must add up to the
  reports exactly, or the engine has failed. Ours is followed on `incidents.fates`, which name each report: one whose fate is said twice,
  when two workers share the partitions anew, counts once.
- CPU seconds are user and system time of the process and its children from /proc, with the broker's and Redis's beside them for the same
  stretch; RSS is the peak of the sum over the processes.
- Precision and recall are pairwise against the simulator's truth, of a run that is not timed over the first 60,000 reports (since
  c50cae3 20,000 where nothing repeats), in which each engine says which report went where: a fast wrong answer does not count.
- *consume* is the bare limit: aiokafka's `getmany` and nothing else.

## Where our time goes
Sampled over the live order on 2026-11-22 (16 CPU seconds per million in intake, 6 in Redis): taking reports 39 % (the quick look 11, the
rest of a repeat 17, what is not recognised 8), publishing 14 % (sights 5, fates and their JSON the most of the rest), the atomic call 10 %
(packing groups, the client), fetching 7 %, making groups of repeats 4 %, answers 4 %; the rest is the loop, sending, commits.
As run here the peers say neither which report went where nor count it once through a crash; that is what fates, marks and the outbox cost.

An earlier race (f7f1d65) was at 28 CPU seconds per million. What brought it to 16 on the same machine (each by `make bench-quick`):

| change | reports/s | CPU-s per million |
|---|---|---|
| counting repeats once a second and not as fast as one can, new reports first, commits looked for less often | 38,300 | 22 |
| late repeats are recognised too (2 % of the reports, 40 to 60 µs each); columns, not objects; a second is parsed once | 43,300 | 18 |
| what is pending is settled at once when nothing more can be read, not up to four seconds later | 52,000 | 16.5 |
| what waits of a source in one list and not in four: a list is two lines of cache | 54,500 | 16 |
| 150,000 reports held and not 100,000; 1 MB of a partition at once and not 4.5 (40 MB less) | 61,000 | 14.5 to 16 |
| batches filled by us: 3.2 µs a record published and not 8.9 (nothing repeats: 90 CPU seconds and not 100) | 57,000 | 15 |

In one run at the end of that (`make bench-quick`, once, live) ours did 58,400 reports/s with 15.3 CPU seconds per million beside
194,000 (4.8) of Kafka Streams with one thread and 279,800 (4.5) with two: 0.30 and 0.21 of it.

The race before the one above (885cf77, 2026-11-22) met a slow day of such a machine: Kafka Streams took 6.8 CPU seconds, Bytewax 21, the
bare consumer 2.7, and ours, which waits most for memory outside the caches, 28; it did 30,700 reports/s in live order, 0.19 and 0.18 of
Kafka Streams and 0.68 of Bytewax, 28,900 of the backlog and 5,500 where nothing repeats. In the race above Kafka Streams took 5.2 and 4.6,
Bytewax 16, the bare consumer 2.0, ours 16: that is the machine's hour, for what was changed since then is little of the way of a repeat.
**The target of 1.3 times Kafka Streams is reached on neither**; neither are 3.5 times Bytewax, 35 times Faust, 5 CPU seconds per million
and 30,000 reports/s where nothing repeats. Reached are, in the race above, 2.5 times Quix Streams and 300 MB for 230,000 cameras.

Where nothing repeats a report costs 87 µs in intake, 8 in Kafka and 60 in Redis. Of the 87, sampled on 2026-11-23: telling 45 %
(looking up where the place lies 14, the rest of the `sight` command 12, sending 9, reading the outcome 5), reading 22 % (the group with all
that it needs to open a case 11), the atomic call 15 %.

With that slower race and after it, measured on its machine:

| at | change | before | after |
|---|---|---|---|
| 972b772 | a call asks for what the last one had time for and a 16th more, not for twice that | 34 % of groups sent in vain | 10 % |
| 972b772 | repeats that wait for a case stand in their middle, not at the first: half as many splits | backlog: 24–30 CPU-s | 22–24 |
| 885cf77 | a call may spend 3 ms on groups and not 4.5 | longest script 12 ms | 8 ms |
| 885cf77 | a process loads what its own roles need, borders come row by row | live 340 MB, nothing repeats 480 | 284, 404 |

The machine differs by a tenth from one quarter of an hour to the next, so the last three of the first table are about as large as its
noise. The code that
runs is not what costs: a call takes 17 ns here and a repeat some thirty of them. It is, as far as can be told without counters, memory that
the caches do not hold: some 25 lines a report by estimate. Huge pages made no difference.

What was tried on top of it and did not help (in one process on a real Redis, the engine's 12 to 14 µs a report without fetching and
publishing): compiling the four modules of the hot path with mypyc, 9.35 µs instead of 9.18 for taking a report, for what takes the time are
calls of C code, allocations and look-ups and not the interpreter's steps; not keeping the bytes of repeats until they are answered, no
difference; holding 200,000 reports instead of 100,000 before they are settled, 1.0 µs less in Python and 2.1 in Redis for 65 MB more;
at 972b772 holding 500,000 and letting them wait ten seconds, 19.1 CPU seconds beside 18.3, for 210 MB more.
What did help: far behind, finding out what may be committed took 15 % of intake's time in a whole city, and takes 5 % now.

## From a report to its case
`make bench`, its last part but one: from a report's append to its case's first fact, by the broker's times, with all roles running, after
all that the cameras' first sights caused is done. At 10,000 reports a second of the live order, which brings eleven seconds of
a city in one, Kafka, Redis, worker and the benchmark use most of two cores, and each of the eight steps between report and fact
waits for a processor; at 50,000 the cores are full and it is not kept.

| | 100 new cases/s: p50, p99 | 10,000 reports/s | 50,000 reports/s |
|---|---|---|---|
| b32280a, the faster machine | 8, 51 ms | 96, 329 ms | 7.9, 13.3 s |
| 972b772, the machine of the race | 11, 54 ms | 307, 579 ms | 3.9, 12.6 s |
| the same machine before calls asked for what they have time for (one run) | | 903, 2067 ms | |
| 03920a1, a machine between the two (one run; the same day, before: 1136, 2998) | 9, 64 ms | 568, 1440 ms | 3.4, 10.6 s |
| e4886fe, the same day's machine in a faster hour (one run) | 7, 32 ms | 249, 632 ms | 4.5, 8.2 s |

**Who stands in line** (2026-11-23, two slow hours of that machine; by the kernel's own account, /proc/PID/schedstat). At 10,000 a second
all processes together use 1.95 of two cores, and Redis worked 0.37 of its time, stood in line for a processor for 0.46 and waited for the
disk for 0.15: its time was gone, and each round to it took closure 50 to 260 ms where it takes 20. Linux shares processors among sessions
first, and Kafka and Redis, children of one supervisor, are one session beside three of the worker's. Now the worker's processes give way
to them (6, 6 and 8 instead of 0, 0 and 2, one after the other over the same ground, milliseconds p50, p99): 2221, 4484 and 956, 2309 with
the old values, 1288, 2415 and 830, 1706 with 3, 3 and 5, 912, 2077 and 241, 583 with 6, 6 and 8; with 12, 12 and 14 one run, 772, 1445.
Then closure: it waited until a batch was published and applied before it read the next one. Now it reads and decides the next meanwhile,
and the calls of one sitting stand in Redis's line together: 701, 1759; 1694, 3040; 756, 1381 before, 606, 1092; 485, 892; 513, 957 after
(alternating). Half of what closure has to do there are not new cases but their young cases' further sights (5,700 of 11,100 commands).

At 100 new cases a second the slowest hundredth was the rest after a call: four times what the call took, which after a stall of 40 ms
(the disk) is 160. Now it goes by the shorter of the last two calls; p99 75, 42, 62 ms before, 48, 34, 54 after (alternating, 3,000 cases
each).

It was 269 and 792 ms (60e1102) until the partitions counted their repeats in turn: all together, every four seconds, they brought closure a
second's worth of sights at once (in bad runs p99 was 2 s), and publishing cost three times the CPU.

It was 9.3 and 13 s: half of that was the storm before it, which the benchmark did not wait for. The rest was a second and more in
intake, where new reports waited behind repeats that only had to be counted (now they go first: 250 ms to 110), and half a second in
closure behind the process that fills the tables (now it gives way: 630 ms to 250; where Linux shares processors among sessions, niceness
alone does nothing). Counting repeats only every ten seconds would bring 110 and 500 ms, but then what is read is not committed within
five. Smaller sittings of closure (40 commands instead of 200) made it 1.1 to 2 s.

## What was done for fairness, and what differs
- Each peer is written as its documentation would have it, with the fastest validating JSON parser of its language at hand (msgspec;
  Jackson's streaming parser), and its updates are collapsed where its API has a place for it: Kafka Streams combines per camera before
  its repartition and tells at commit, Bytewax tells with `notify_at` on whole seconds, Quix Streams in a sink at its checkpoint of one
  second, Faust per batch of `take`.
- Cameras of one place lie in different partitions, so an engine whose state belongs to a key must bring them together. Kafka Streams
  repartitions by category and tile (10 km), Quix Streams with `group_by` by district (5 km), Bytewax exchanges by district between its
  workers; a place on a border may become two cases (below 1 %; precision and recall show it). Faust has no repartition here: its table
  in memory is right with one worker only, and this is about twice as fast as its `group_by`.
- State: Kafka Streams in memory with a changelog, Quix Streams in RocksDB with a changelog, Bytewax with snapshots in SQLite every
  10 s, Faust in memory with a changelog, ours in Redis with `appendfsync always`.
- The peers know one rule for all categories and nothing of resends, plates, buildings, refusals, locations or fates. Ours applies the
  catalogue's rules (radius and window per category), so its number of cases differs a little.
- Quix Streams and Faust get fewer reports ({fewer}), or a run would take hours.

## Again
`make bench-peers` (half an hour on two quiet cores; `make bench-peers BENCH="--orders live --runs 1 --reports 300000"` is a small one),
`make bench` (ours alone, three orders, closure, latency), `make bench-quick` (ours and Kafka Streams, live), `make bench-sweeps` (ours over
open cases, bad input, cameras, partitions, workers, noise). Needs the tools of `make tools`; the peers get a virtual environment of their
own from benchmarks/peers/requirements.lock, Kafka Streams is built by Maven.
"""
SWEPT = """
## What cities differ in
`make bench-sweeps`, {date} at commit {commit}, ours alone, in live order: what must stay flat is the CPU of a million reports. At three
times the usual noise a camera's position is 15 m off (sigma), against radii of 50 m and less. {note}

{points}

The atomic call on stores of 10³ to 10⁶ open cases and in dense places (benchmarks/sift_store.py says what they are):

{open_cases}

Since 885cf77 a call spends at most 3 ms on groups, where it was 4.5: by Redis's own clock the longest script of these is 8 ms on a
machine where it was 12 with 4.5. Since a case's totals stand with it (e4f116e) it is 4 ms: 8.0 in an hour in which 3 took 6.1.
Beyond 10 ms is what the server does by itself when it forks to rewrite its log: 28 ms at a gigabyte.
"""


def write() -> str:
    """Renew page and chart; returns what it took them from. Raises SystemExit when there are no results."""
    found = newest()
    if found is None:
        raise SystemExit("benchmarks/results holds no results of a contest; run `make bench-peers` first")
    content = json.loads(found.read_text("utf-8"))
    engines = content["engines"]
    fewer = ", ".join(
        f"{name} {orders['live']['reports']:,}"
        for name, orders in engines.items()
        if 0 < orders.get("live", {}).get("reports", 0) < content["reports"]
    )
    parts = [WORDS.format(date=content["date"], commit=content["commit"], machine=content["machine"], runs=content["runs"])]
    parts += [f"\n## {TITLES[order]}\n{table(content, order)}\n" for order in ORDERS if any(order in cells for cells in engines.values())]
    parts += _swept()
    PAGE.write_text("".join([*parts, NOTES.format(fewer=fewer or "none here")]), "utf-8")
    CHART.write_text(drawn(content), "utf-8")
    return found.name


def _swept() -> Iterator[str]:
    if (found := newest_sweeps()) is None:
        return
    content = json.loads(found.read_text("utf-8"))
    sweeps = content["sweeps"]
    places = open_cases_table(sweeps["open_cases"]) if "failed" not in sweeps["open_cases"] else sweeps["open_cases"]["failed"]
    said = {"date": content["date"], "commit": content["commit"], "note": content.get("note", "")}
    yield SWEPT.format(**said, points=sweeps_table(sweeps), open_cases=places)

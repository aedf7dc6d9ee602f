"""`make bench`, `bench-peers`, `bench-quick`, `bench-sweeps`: who runs over which orders how often, and what becomes of the figures.

Everything runs on a Kafka and a Redis of its own on free ports below .local/bench. Figures go to stdout as JSON, progress to stderr, and
all but the quick ones to benchmarks/results/<date>-<commit>[-ours|-sweeps].json; docs/benchmarks.md is made from the newest of them.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import closing, fanout, ingest, latency, page, results, sweeps
from benchmarks.contest import Race, contest, prepare
from benchmarks.engines import ENGINES, Engine
from benchmarks.ground import Ground, ground, say
from benchmarks.orders import CAMERAS, UNIQUE_SHARE, Order, orders

STREAMS = ("kafka-streams/1", "kafka-streams/2")
REPORTS = 900_000
OURS_REPORTS = 450_000
OURS_UNIQUE_SHARE = 5


def ours(chosen: argparse.Namespace) -> dict[str, Any]:
    """Ours alone: three orders, closure, latency, and the console: reports in, the live feed. An order is simulated once for all."""
    chosen.reports = chosen.reports or OURS_REPORTS
    with ground() as here:
        races = {order.name: prepare(here, order) for order in _orders(chosen, OURS_UNIQUE_SHARE)}
        engines = contest(here, _engines(chosen.engines or results.OURS), races.values(), chosen.runs or 1)
        closure = closing.measured(here, races["unique"]) if "unique" in races else {}
        latencies = latency.measured(here, races)
        console = {
            "ingest": ingest.measured(ingest.settled(here, "bench-ingest"), here.logs),
            "feed": fanout.measured(ingest.settled(here, "bench-fanout"), here.logs),
        }
    content = results.wrapped(engines, closure=closure, latency=latencies, console=console)
    say(f"written to {results.save(content, '-ours')}")
    return content


def peers(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everybody, alternating; the results file and the page."""
    chosen.reports = chosen.reports or REPORTS
    with ground() as here:
        engines = contest(here, _engines(chosen.engines), _races(here, chosen), chosen.runs or 3)
    content = results.wrapped(engines, reports=chosen.reports, runs=chosen.runs or 3, cameras=chosen.cameras)
    say(f"written to {results.save(content)}")
    for order in results.ORDERS:
        say(f"\n{order}\n{results.table(content, order)}", markup=False)
    page.write()
    return content


def quick(chosen: argparse.Namespace) -> dict[str, Any]:
    """Ours and Kafka Streams, live, once."""
    chosen.orders, chosen.reports = chosen.orders or "live", chosen.reports or REPORTS
    with ground() as here:
        wanted = _engines(chosen.engines or ",".join((results.OURS, *STREAMS)))
        engines = contest(here, wanted, _races(here, chosen), chosen.runs or 1, scoring=False)
    content = results.wrapped(engines, reports=chosen.reports)
    say(results.table(content, "live"), markup=False)
    return content


def swept(chosen: argparse.Namespace) -> dict[str, Any]:
    """Ours over what a city may differ in; the results file."""
    with ground() as here:
        content = results.wrapped({}, sweeps=sweeps.measured(here, (chosen.reports or REPORTS) // 3))
    say(f"written to {results.save(content, '-sweeps')}")
    page.write()
    return content


def renewed(_: argparse.Namespace) -> dict[str, Any]:
    """The page and the chart from the newest results."""
    return {"written": page.write()}


KINDS = {"ours": ours, "peers": peers, "quick": quick, "sweeps": swept, "page": renewed}


def _engines(names: str) -> Sequence[Engine]:
    known = {engine.name: engine for engine in ENGINES}
    wanted = names.split(",") if names else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"--engines: no engine {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def _orders(chosen: argparse.Namespace, unique_share: int = UNIQUE_SHARE) -> Sequence[Order]:
    known = {order.name: order for order in orders(chosen.reports, chosen.cameras, unique_share)}
    wanted = chosen.orders.split(",") if chosen.orders else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"--orders: no order {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def _races(here: Ground, chosen: argparse.Namespace) -> Iterator[Race]:
    """One after the other: a million reports and more take a gigabyte."""
    return (prepare(here, order) for order in _orders(chosen))


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="make bench…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS, nargs="?", default="ours")
    parser.add_argument("--engines", default="", help=f"of {', '.join(engine.name for engine in ENGINES)}")
    parser.add_argument("--orders", default="", help="of live, backlog, unique")
    parser.add_argument("--runs", type=int, default=0, help="3 with the peers, otherwise 1")
    many = "measured reports of an order (unique: a third, of ours alone a fifth); half as many warm up; "
    many += f"{OURS_REPORTS:,} of ours alone, otherwise {REPORTS:,}"
    parser.add_argument("--reports", type=int, default=0, help=many)
    parser.add_argument("--cameras", type=int, default=CAMERAS, help="of the order live")
    chosen = parser.parse_args()
    print(json.dumps(KINDS[chosen.kind](chosen), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

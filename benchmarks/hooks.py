"""Deliveries a second of one process: notices for 10,000 configured targets, from the queue in Redis to a fast local receiver and settled.

`python -m benchmarks.hooks [DELIVERIES] [TARGETS]`: an own Redis on a free port, the receiver in a process of its own (it shares the
machine's cores). Prints JSON: deliveries per second of wall time, and of this process's CPU time.
"""

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.deliveries import Delivery
from adapters.deliveries_redis import RedisDeliveries
from adapters.stack_engines import RedisEngine, free_port, is_free
from config.settings import Settings
from handlers.engine import Engine, Receivers, Rules
from handlers.outbound import Doors, Outbound
from incidents.addresses import opened
from tests.adapters.test_feed import hot_store
from tests.handlers.receiver import PlainChannel, fact, target
from tests.servers import Server
from tests.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Fast(asyncio.Protocol):
    """Answers every request at once; a request is one write here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(OK * data.count(b"POST "))


def _receive(port: int) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Fast, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


async def measured(redis_url: str, port: int, deliveries: int, targets: int) -> dict[str, Any]:
    """The figures."""
    transport = Outbound(Doors(opened(["127.0.0.0/8"])))
    configured = {f"t{n}": target(f"t{n}", f"http://127.0.0.1:{port}/{n}") for n in range(targets)}
    receivers = Receivers(configured, {"plain": PlainChannel()}, {"http": transport})

    async def bury(dead: Sequence[Delivery]) -> None:
        raise AssertionError(f"{len(dead)} were given up: {dead[0].attempts[-1]}")

    async with hot_store(Settings.model_validate({"namespace": "b.", "redis_url": redis_url, "city": "qingdao"})) as hot:
        queue, rules, stop = RedisDeliveries(hot), Rules(), asyncio.Event()
        orders = [order for n in range(deliveries) for order in receivers.orders(fact(f"c{n}"), [f"t{n % targets}"])]
        for at in range(0, deliveries, 500):
            await queue.enqueue(orders[at : at + 500], rules.now())
        began, used = time.monotonic(), time.process_time()
        running = asyncio.create_task(Engine(queue, receivers, bury, rules).run(stop))
        while not running.done() and (await queue.standing(0)).waiting:  # noqa: ASYNC110  # the queue is in Redis
            await asyncio.sleep(0.05)
        wall, cpu = time.monotonic() - began, time.process_time() - used
        stop.set()
        await running
    await transport.close()
    return {"deliveries": deliveries, "targets": targets, "per_second": round(deliveries / wall), "per_cpu_second": round(deliveries / cpu)}


def main(deliveries: int = 5_000, targets: int = 10_000) -> None:
    """Measure, and print it."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        redis = Server(RedisEngine(Path(folder), free_port({port})), Path(folder) / "redis.log")
        receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(port,), daemon=True)
        redis.start()
        receiver.start()
        until(lambda: not is_free(port), "the receiver")
        try:
            print(json.dumps(asyncio.run(measured(redis.address, port, deliveries, targets))))
        finally:
            receiver.kill()
            redis.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))

"""The limit: aiokafka's `getmany` alone. Reads everything, looks at nothing, and says once a second how much it was."""

import asyncio
import json
import signal
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.peers.job import Bench

TELL_EVERY_S = 0.2


async def main() -> None:
    """Read until SIGTERM."""
    bench, stop = Bench(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    consumer = AIOKafkaConsumer(bench.topic, bootstrap_servers=bench.bootstrap, group_id=bench.group, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=bench.bootstrap)
    await consumer.start()
    await producer.start()
    n, tell_at = 0, time.monotonic() + TELL_EVERY_S
    while not stop.is_set():
        found = await consumer.getmany(timeout_ms=100, max_records=5_000)
        n += sum(map(len, found.values()))
        if n and time.monotonic() >= tell_at:
            await producer.send_and_wait(bench.out, json.dumps({"case": "", "n": n, "last": 0, "ids": []}).encode(), key=b"")
            n, tell_at = 0, time.monotonic() + TELL_EVERY_S
    await producer.stop()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())

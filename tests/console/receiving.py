"""A receiver of notices, really served: for its own tests and for those of its page."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from config.load import load_city
from config.settings import Settings
from console.receiver import Inbox, create_receiver
from tests.waiting import until


@contextmanager
def receiver(*secrets: str) -> Iterator[tuple[Inbox, str]]:
    """It and its address, without a slash at the end, while the block runs."""
    inbox = Inbox(lambda: secrets)
    config = uvicorn.Config(create_receiver(load_city(Settings()), inbox), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve(listening: socket.socket) -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(serve(listening)))
        thread.start()
        try:
            until(lambda: server.started, "the receiver to start")
            yield inbox, f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            loops[0].call_soon_threadsafe(inbox.close)
            server.should_exit = True
            thread.join(60)

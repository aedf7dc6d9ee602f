"""Serving pages with live feeds: what `cityloop console` and `cityloop hooks receiver` have in common."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from incidents.errors import UserError


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises UserError that names the setting to change when the port is taken."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise UserError(f"cannot listen on {host}:{port} ({error.strerror}); choose another {setting}, or 0") from None


class FeedServer(uvicorn.Server):
    """Ends the pages' feeds before it waits for open requests, which would never end by themselves; then the process, with 0."""

    def __init__(self, config: uvicorn.Config, end_feeds: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_feeds = end_feeds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Instead of uvicorn's, which gives itself the signal once more when all is done."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._end)
        yield

    def _end(self) -> None:
        self._end_feeds()
        self.should_exit = True

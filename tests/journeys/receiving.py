"""A receiver of webhooks for journeys: what it got by path, in order of arrival, and how it answers. A thread per connection."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Got:
    """One request."""

    id: str
    body: dict[str, Any]
    status: int

    @property
    def data(self) -> dict[str, Any]:
        """What the event says."""
        found: dict[str, Any] = self.body["data"]
        return found


class Street:
    """Receivers by path. `fails` says whether the n-th request to a path (from 1) is refused."""

    def __init__(self, fails: Callable[[str, int], bool] = lambda _, __: False) -> None:
        self.port = 0
        self._fails = fails
        self._got: dict[str, list[Got]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, path: str, id_: str, body: bytes) -> int:
        """The status to answer with."""
        said = orjson.loads(body)
        with self._lock:
            status = 500 if self._fails(path, len(self._got[path]) + 1) else 200
            self._got[path].append(Got(id_, said, status))
        return status

    def got(self, path: str) -> list[Got]:
        """All that came there."""
        with self._lock:
            return list(self._got[path])

    def well(self, path: str) -> set[str]:
        """Ids of what was answered well there."""
        return {each.id for each in self.got(path) if each.status == 200}


class Server(ThreadingHTTPServer):
    """Takes every connection at once. The usual backlog of five overflows: then the kernel hands over what a sender wrote only a second
    or more later, also of one that was killed meanwhile, and a repeat comes after what its successor sent."""

    request_queue_size = 256
    daemon_threads = True


def check_order(arrived: Iterable[tuple[str, int, str]]) -> None:
    """Of (line, sequence, id) as they came: what arrives later in a line never has a lower sequence, unless it is a repeat of an id."""
    highest: dict[str, int] = {}
    seen: set[str] = set()
    for line, sequence, id_ in arrived:
        assert id_ in seen or sequence > highest.get(line, 0), f"{line}: {sequence} came first after {highest[line]}"
        highest[line] = max(sequence, highest.get(line, 0))
        seen.add(id_)


@contextmanager
def receiving(street: Street) -> Iterator[Street]:
    """It listens on `street.port` of the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) < int(self.headers["content-length"]):
                return  # its sender was killed in the middle
            self.send_response(street.take(self.path, self.headers.get("webhook-id", ""), body) if body else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True  # likewise

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    street.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield street
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

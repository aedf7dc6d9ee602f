"""What a process answers about itself, over HTTP from a thread of its own: /metrics, /healthz, /readyz.

The thread lives beside the event loop, so that a loop that hangs is *seen* to hang: /healthz is 503 when the loop gave no beat for five
seconds. Kafka or Redis being away closes /readyz only; a supervisor must not kill a process for it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest, make_wsgi_app

from adapters import metrics
from incidents.errors import UserError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)

BEAT_LIMIT_S = 5.0

Readiness = Callable[[], Mapping[str, bool]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self) -> None:
        """As HTTPServer's, without asking the resolver for this machine's name; a restarted process gets its port back at once."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    timeout = 5.0  # a client that sends nothing must not hold a thread

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """A scrape is not worth a line."""


class Probe:
    """The HTTP side of one process; `roles` answers which role is working. Threads end with the process."""

    def __init__(self, host: str, port: int, roles: Readiness, steady: Callable[[], float] = time.monotonic) -> None:
        self._roles = roles
        self._steady = steady
        self._beat = steady()
        self._metrics = make_wsgi_app(metrics.REGISTRY)
        self._address = (host, port)
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._server.server_port if self._server else self._address[1]

    def beat(self) -> None:
        """The event loop is alive; to be called at least every second."""
        self._beat = self._steady()

    def start(self) -> None:
        """Listen. Raises UserError when the port cannot be had."""
        host, port = self._address
        try:
            server = make_server(host, port, self._answer, server_class=_Server, handler_class=_Quiet)
        except OSError as error:
            raise UserError(
                f"CITYLOOP_METRICS_PORT={port}: cannot listen on {host}:{port} ({error.strerror}); choose another, or 0"
            ) from None
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.1,), name="probe", daemon=True).start()
        log.info("metrics and health", url=f"http://{host}:{self.port}")

    def stop(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return cast(Iterable[bytes], self._metrics(environ, start))
        answers = {"/healthz": self._health, "/readyz": self._readiness}
        if path not in answers:
            return _json(start, "404 Not Found", {"error": "here are /metrics, /healthz and /readyz"})
        fine, body = answers[path]()
        return _json(start, "200 OK" if fine else "503 Service Unavailable", body)

    def _health(self) -> tuple[bool, Mapping[str, object]]:
        silent = self._steady() - self._beat
        return silent < BEAT_LIMIT_S, {"healthy": silent < BEAT_LIMIT_S, "loop_silent_seconds": round(silent, 3)}

    def _readiness(self) -> tuple[bool, Mapping[str, object]]:
        roles = dict(self._roles())
        ready = all(roles.values()) and self._health()[0]
        return ready, {"ready": ready, "roles": roles, "waiting_for": [role for role, working in roles.items() if not working]}


def _json(start: "StartResponse", status: str, body: Mapping[str, object]) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body).encode() + b"\n"]


def exposition() -> tuple[bytes, str]:
    """The page /metrics and its media type, for a process that has an HTTP server of its own."""
    return generate_latest(metrics.REGISTRY), CONTENT_TYPE_LATEST

"""Kill -9 at each step of a delivery, at a receiver that fails three times in ten: nothing is lost, ids are stable, every case in order."""

import random
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import orjson
import pytest

from config.settings import ROOT, Settings
from tests.journeys.delivering import CASES
from tests.journeys.receiving import Server, check_order
from tests.servers import die_with_us

POINTS = ("claimed:1", "claimed:9", "sending:1", "sending:30", "sent:1", "sent:12", "settled:1", "settled:15", "buried:1", "fell_back:1")


class Street:
    """What the receiver got under each path: (line, sequence, id), in order of arrival, answered well or not."""

    def __init__(self) -> None:
        self.got: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        self.well: set[str] = set()
        self._lock = threading.Lock()
        self._chance = random.Random(7)

    def take(self, path: str, body: bytes) -> int:
        """The status to answer with."""
        said = orjson.loads(body)
        with self._lock:
            self.got[path].append((said["line"], said["sequence"], said["id"]))
            if path == "/dead" or self._chance.random() < 0.3:
                return 500
            self.well.add(said["id"])
            return 200


@contextmanager
def receiving(street: Street) -> Iterator[int]:
    """The receiver's port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) < int(self.headers["content-length"]):
                return  # its sender was killed in the middle
            status = street.take(self.path, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("facts", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_killed_at_each_step_it_loses_nothing_and_keeps_every_case_in_order(redis_server: str, tmp_path: Path, facts: int) -> None:
    street, letters = Street(), tmp_path / "dead"
    chosen = {"namespace": f"t{uuid.uuid4().hex[:8]}.", "redis_url": redis_server, "city": "qingdao"}
    killed = []
    with receiving(street) as port:
        for fault in (*(f"hooks:{point}" for point in POINTS), ""):
            settings = Settings.model_validate(chosen | {"fault": fault}).model_dump_json(exclude_defaults=True)
            words = [*die_with_us(), sys.executable, "-m", "tests.journeys.delivering", settings, str(port), str(facts), str(letters)]
            ended = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=120, check=False)
            assert ended.returncode in (0, -9), ended.stderr.decode()[-3000:]
            killed += [fault] if ended.returncode else []
            if not ended.returncode and len(street.well) > facts:
                break
    assert len(killed) >= 3
    expected = {f"c{n % CASES}_{n // CASES + 1}" for n in range(facts)}
    assert expected <= street.well and {id_ for _, _, id_ in street.got["/well"]} == expected
    check_order(street.got["/well"])
    assert {id_ for _, _, id_ in street.got["/other"]} == {"lost_1"}  # its fallback
    assert letters.read_text().splitlines()[0].startswith("lost_1@dead ")

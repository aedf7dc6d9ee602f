"""A live twin: the same alerts to Debian's Alertmanager and to our board; every receiver hears of the same groups and the same alerts.

Times are not compared, nor whether a group's news came in one notice or two (Alertmanager takes the alerts of a request one by one, and a
group may have its moment in between): what a group was told last as firing, and all that it was told as over, is the same either way.
"""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.handlers.test_amtool import LABELS, VALUES, receivers, trees
from tests.incidents.noticing import Desk, after, rules_of
from tests.incidents.noticing import alert as noticed
from tests.journeys.receiving import Street, receiving
from tests.journeys.test_alerts_in import ALERTMANAGER, answers, free_port, running
from tests.waiting import until

Labels = tuple[tuple[str, str], ...]
Heard = dict[tuple[str, Labels], tuple[frozenset[Labels], frozenset[Labels]]]
"""By receiver and group: what was told last as firing, and all that was ever told as over."""
WAITS = {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "4h"}


def a_tree(seed: int) -> dict[str, Any]:
    """A random tree whose nodes group by random labels."""
    rng = random.Random(seed)

    def grouped(node: dict[str, Any]) -> dict[str, Any]:
        by = {"group_by": rng.sample(LABELS, rng.randrange(1, 4))} if rng.random() < 0.5 else {}
        return {**node, **by, "routes": [grouped(child) for child in node.get("routes", ())]}

    table, _ = next(trees(seed))
    return {**grouped(table), **WAITS, "group_by": ["district"]}


def some_alerts(seed: int, count: int) -> list[Labels]:
    """Different label sets; a label without a value is none."""
    rng = random.Random(seed)
    found = ({"alertname": f"n{number}"} | {name: rng.choice(VALUES) for name in LABELS} for number in range(count))
    return [tuple(sorted((name, value) for name, value in each.items() if value)) for each in found]


@contextmanager
def twin(folder: Path, table: dict[str, Any], street: Street) -> Iterator[httpx.Client]:
    """Debian's Alertmanager, whose receivers are paths of the street."""
    told = [{"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:{street.port}/{name}"}]} for name in sorted(receivers(table))]
    (folder / "twin.yml").write_text(json.dumps({"route": table, "receivers": told}))
    address = f"http://127.0.0.1:{free_port()}"
    options = {"config.file": "twin.yml", "storage.path": "data", "web.listen-address": address[7:], "cluster.listen-address": ""}
    command = [ALERTMANAGER, *(f"--{name}={value}" for name, value in options.items())]
    with running(command, folder, answers(address)), httpx.Client(base_url=address, timeout=60) as client:
        yield client


def post(client: httpx.Client, firing: Sequence[Labels], over: Sequence[Labels], began: datetime) -> None:
    """All in one request."""
    now = datetime.now(UTC)
    rows = [(each, now + timedelta(hours=1)) for each in firing] + [(each, now) for each in over]
    body = [{"labels": dict(each), "startsAt": began.isoformat(), "endsAt": ends.isoformat()} for each, ends in rows]
    assert client.post("/api/v2/alerts", json=body).status_code == 200


def theirs(street: Street, table: dict[str, Any]) -> Heard:
    """What the twin told."""
    found: Heard = {}
    for name in receivers(table):
        for got in street.got(f"/{name}"):
            each = [(alert["status"], tuple(sorted(alert["labels"].items()))) for alert in got.body["alerts"]]
            _hear(found, name, tuple(sorted(got.body["groupLabels"].items())), each)
    return found


def ours(desk: Desk) -> Heard:
    """What the board told."""
    found: Heard = {}
    for told in desk.told:
        if told.notice is not None:
            each = [(alert.status(told.at), tuple(sorted(alert.labels.items()))) for alert in told.notice.alerts]
            _hear(found, told.receiver, tuple(sorted(told.notice.group_labels.items())), each)
    return found


def _hear(found: Heard, receiver: str, group: Labels, alerts: Sequence[tuple[str, Labels]]) -> None:
    group = tuple((name, value) for name, value in group if value)
    _, before = found.get((receiver, group), (frozenset(), frozenset()))
    firing, over = (frozenset(labels for status, labels in alerts if status == wanted) for wanted in ("firing", "resolved"))
    found[receiver, group] = firing, before | over


class Board:
    """Ours, to which the same alerts are told; a step lasts a minute of its own clock."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.desk = Desk(rules_of(table))
        self._steps = 0

    def told(self, firing: Sequence[Labels], over: Sequence[Labels]) -> None:
        """One step."""
        at = 60.0 * self._steps
        self._steps += 1
        for labels, end in [(each, None) for each in firing] + [(each, at) for each in over]:
            known = noticed(json.dumps(labels), self._steps, 0, end)
            self.desk.learn(known.model_copy(update={"labels": dict(labels), "starts_at": after(at) if end is None else known.starts_at}))
        self.desk.until(at + 59)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_receiver_hears_of_the_same_groups_and_alerts_as_from_alertmanager(tmp_path: Path, seed: int) -> None:
    table, alerts = a_tree(seed), some_alerts(seed, 40)
    first, second = alerts[:25], alerts[25:]
    steps = [(first, []), (second, first[:10]), ([], first[10:20]), ([], [*first[20:], *second])]
    board, began = Board(table), datetime.now(UTC)
    with receiving(Street()) as street, twin(tmp_path, table, street) as client:
        for number, (firing, over) in enumerate(steps):
            board.told(firing, over)
            post(client, firing, over, began)
            until(lambda: ours(board.desk) == theirs(street, table), f"the same notices after step {number}", 60)
    assert len(ours(board.desk)) > 5

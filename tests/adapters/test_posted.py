"""Posted alerts in SQL, on both engines: one occurrence per firing, a message is taken once, nothing is forgotten half-way."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.database import Database
from adapters.posted import Message, PostedAlerts
from incidents.commands import Command, system
from incidents.events import CaseId
from incidents.posted import Occurrence, Posted

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(databases: Database) -> PostedAlerts:
    return PostedAlerts(databases, "qingdao")


class Opens:
    """Counts occurrences."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, alert: Posted) -> Occurrence:
        self.count += 1
        return Occurrence(case_id=CaseId(f"QD-{alert.fingerprint}-{self.count}"), report={"id": str(self.count)})


def an_alert(name: str = "a", until: timedelta = HOUR) -> Posted:
    """It fires until so long from now."""
    end = NOW + until
    return Posted(labels={"alertname": name}, starts_at=min(NOW, end), ends_at=end, updated_at=NOW)


def orders(case_id: CaseId) -> list[Command]:
    """One."""
    return [Command.model_validate({"id": "o", "case_id": case_id, "type": "note", "note": "n", "actor": system("alerts")})]


def test_a_repeat_begins_nothing_and_an_end_is_due(store: PostedAlerts) -> None:
    opens = Opens()
    for _ in range(3):
        assert store.put([an_alert(), an_alert("b")], NOW, opens)
    first = store.due(NOW)
    assert len(first) == opens.count == 2 and all(each.report for each in first)
    store.reported([each.case_id for each in first])
    assert store.due(NOW) == [] and len(store.firing(NOW)) == 2
    store.put([an_alert(until=-HOUR)], NOW, opens)
    [over] = store.due(NOW)
    assert over.alert.labels == {"alertname": "a"} and over.report is None
    store.ended([over.case_id], NOW, opens)
    assert store.due(NOW) == [] and [each.alert.labels["alertname"] for each in store.firing(NOW)] == ["b"] and opens.count == 2


def test_what_was_never_heard_of_does_not_begin_with_its_end(store: PostedAlerts) -> None:
    opens = Opens()
    store.put([an_alert(until=-HOUR)], NOW, opens)
    assert store.due(NOW) == [] and opens.count == 0


def test_what_fires_again_while_its_end_is_told_gets_a_new_occurrence(store: PostedAlerts) -> None:
    opens = Opens()
    store.put([an_alert()], NOW, opens)
    [kept] = store.due(NOW)
    store.ended([kept.case_id], NOW, opens)  # another process has read that it was over, and it fires again
    [again] = store.due(NOW)
    assert again.report and again.case_id != kept.case_id


def test_a_message_is_taken_once_and_its_orders_wait_for_the_case(store: PostedAlerts) -> None:
    opens = Opens()
    assert store.put([an_alert()], NOW, opens, Message("m1", orders))
    assert not store.put([an_alert(until=-HOUR)], NOW, opens, Message("m1"))
    [begun] = store.due(NOW)
    assert begun.orders == ()  # the report says it all
    store.reported([begun.case_id])
    for name in ("m2", "m3"):
        assert store.put([an_alert()], NOW, opens, Message(name, orders))
    [due] = store.due(NOW)
    assert [each.note for each in due.orders] == ["n", "n"]
    store.ordered([due.case_id])
    assert store.due(NOW) == []
    found = store.find([Message("m3"), Message("other")])
    assert found is not None and found.case_id == begun.case_id and store.find([Message("other")]) is None


def test_cities_do_not_see_each_others_alerts(store: PostedAlerts, databases: Database) -> None:
    other = PostedAlerts(databases, "boston")
    store.put([an_alert()], NOW, Opens(), Message("m"))
    assert other.firing(NOW) == other.due(NOW) == [] and other.find([Message("m")]) is None

"""Bad input over the real stack."""

from config.settings import Settings
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import facts, of_case, report, send


def test_smoke(settings: Settings, worker: NewWorker) -> None:
    running = worker(settings)
    print(running.roles(), running.child("intake"), running.child("closure"))
    send(settings, report(1))
    found = facts(settings, lambda f: len(f) >= 3)
    print(of_case(found, found[0]["data"]["case_id"]))
    print(running.metric("cityloop_reports_total", verdict="opened"))
    assert running.stop() == 0

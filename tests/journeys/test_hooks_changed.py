"""hooks.toml changes while the process runs: a wrong one is refused and says so, a right one is taken, and what was told stays told."""

import os
import signal
from pathlib import Path

from config.settings import Settings
from incidents.vocabulary import FactType, State
from tests.journeys.conftest import NewWorker
from tests.journeys.receiving import Street, receiving
from tests.journeys.test_hooks import configured, publish
from tests.streams.hook_desk import filed
from tests.waiting import until


def alerts(street: Street, path: str) -> list[tuple[str, bool]]:
    """(case, whether it is over) of all that was told there, in order."""
    return [(alert["case_id"], alert["ends_at"] is not None) for got in street.got(path) for alert in got.data["alerts"]]


def test_a_changed_hooks_toml_is_taken_while_it_runs_and_a_wrong_one_is_refused(
    settings: Settings, worker: NewWorker, tmp_path: Path
) -> None:
    first, second, third = (filed(number).case_id for number in (1, 2, 3))
    with receiving(Street()) as street:
        settings = configured(tmp_path, settings, street.port)
        file = settings.config_dir / "cities" / "qingdao" / "hooks.toml"
        right = file.read_text("utf-8")
        hooks = worker(settings, "--only", "hooks")
        publish(settings, [filed(1)])
        until(lambda: alerts(street, "/duty") == [(first, False)], "the first case told")
        file.write_text(right.replace('receiver = "duty"', 'receiver = "nobody"'))
        until(lambda: hooks.metric("cityloop_files_refused", files="hooks") == 1, "the wrong file refused")
        assert "hooks.toml" in hooks.tail() and "nobody" in hooks.tail()
        publish(settings, [filed(2)])
        until(lambda: alerts(street, "/duty")[1:] == [(second, False)], "the second case told as before")
        file.write_text(right.replace("/duty", "/night").replace("/log", "/diary"))
        os.kill(hooks.pid, signal.SIGHUP)
        until(lambda: "telling by the changed files" in hooks.tail(), "the right file taken")
        assert hooks.metric("cityloop_files_read_total", files="hooks", result="taken") == 1
        assert hooks.metric("cityloop_files_refused", files="hooks") == 0
        publish(settings, [filed(3), filed(1, 3, FactType.CLOSED, State.CLOSED)])
        until(lambda: len(street.got("/diary")) == 2, "facts at the subscriber's new address")
        until(lambda: set(alerts(street, "/night")) == {(third, False), (first, True)}, "a new case, and the end of one told before")
        assert alerts(street, "/duty") == [(first, False), (second, False)]


def test_a_city_s_first_hooks_toml_is_taken_up_by_a_running_process(settings: Settings, worker: NewWorker, tmp_path: Path) -> None:
    with receiving(Street()) as street:
        settings = configured(tmp_path, settings, street.port)
        file = settings.config_dir / "cities" / "qingdao" / "hooks.toml"
        right = file.read_text("utf-8")
        file.unlink()
        hooks = worker(settings, "--only", "hooks")
        until(lambda: "the city has no hooks.toml" in hooks.tail(), "its word that nobody is told")
        os.kill(hooks.pid, signal.SIGHUP)
        file.write_text(right.replace('receiver = "duty"', 'receiver = "nobody"'))
        until(lambda: hooks.metric("cityloop_files_refused", files="hooks") == 1, "a wrong one refused")
        file.write_text(right)
        until(lambda: hooks.metric("cityloop_hook_dispatching") == 1, "the right one taken up")
        publish(settings, [filed(1)])
        until(lambda: alerts(street, "/duty") == [(filed(1).case_id, False)], "a case told")

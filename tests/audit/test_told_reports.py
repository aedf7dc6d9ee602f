"""The console's questions to the log of reports: what the command line tells, bounded, and patient with a Kafka that is away."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from adapters import told_reports
from adapters.told_reports import ReportLog
from config.load import load_city
from config.settings import Settings
from incidents.errors import TryAgain
from tests.audit.records import History

NOW = datetime.now(UTC)


@pytest.fixture
def log(settings: Settings) -> tuple[ReportLog, History]:
    """Over the hand-written history."""
    return ReportLog(settings, load_city(settings)), History.of(settings).write()


@pytest.mark.stack
def test_a_report_is_told_with_its_rule_and_numbers_and_its_case(log: tuple[ReportLog, History]) -> None:
    reports, history = log
    [story] = reports.report("/cameras/1", "a4", NOW)
    assert (story["verdict"], story["rule"], story["distance_m"], story["seconds"]) == ("merged", "same_place", 12, 340)
    assert (story["case_id"], story["partition"], story["offset"]) == (history.a, 0, 4)


@pytest.mark.stack
def test_a_report_is_looked_for_within_an_hour_of_its_time_only(log: tuple[ReportLog, History]) -> None:
    assert log[0].report("/cameras/1", "a4", NOW - timedelta(hours=5)) == []


@pytest.mark.stack
def test_every_report_of_a_case_says_why_it_is_there(log: tuple[ReportLog, History]) -> None:
    reports, history = log
    told = reports.of_case(history.case(history.a, 1, "reported", 5), limit=2)
    assert told["report_count"] > len(told["reports"]) == 2
    assert {row["verdict"] for row in told["reports"]} == {"opened", "merged"}


def test_who_comes_when_others_are_reading_or_kafka_is_away_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(kafka_bootstrap="127.0.0.1:9", city="qingdao")
    reports = ReportLog(settings, load_city(settings))
    with pytest.raises(TryAgain, match="no Kafka answers"):
        reports.report("/cameras/1", "a4", NOW)
    monkeypatch.setattr(reports, "_asking", threading.BoundedSemaphore(1))
    with reports._asked(), pytest.raises(TryAgain, match=f"{told_reports.AT_ONCE} others"):
        reports.report("/cameras/1", "a4", NOW)

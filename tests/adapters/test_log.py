"""The log: one line of JSON per event, nothing about households, and libraries only when they warn."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from adapters.log import configure_logging
from config.settings import LogFormat, Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def as_json(level: str = "INFO") -> Settings:
    return Settings(log_format=LogFormat.JSON, log_level=level)


def test_a_line_is_json_with_time_level_and_role(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json(), "cases")
    structlog.get_logger("streams.closure").info("case", case="QD-1", unit="环卫")
    [line] = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "case",
        "level": "info",
        "logger": "streams.closure",
        "role": "cases",
        "case": "QD-1",
        "unit": "环卫",
    }


def test_household_data_that_a_caller_passes_is_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json(), "cases")
    structlog.get_logger("x").warning("said", phone="13800000000", plate="鲁B12345", building={"unit": 2}, case="QD-1")
    assert [(line["phone"], line["plate"], line["building"]) for line in lines(capsys)] == [("(withheld)",) * 3]


def test_a_bug_s_traceback_shows_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json(), "cases")
    secret = "13800000000"
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        structlog.get_logger("x").critical("a bug", exc_info=True)
    printed = capsys.readouterr().err
    assert "ZeroDivisionError" in printed
    assert secret not in printed


def test_libraries_speak_when_they_warn_and_reconnecting_clients_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json(), "cases")
    logging.getLogger("faust.worker").info("progress")
    logging.getLogger("redis").warning("trouble")
    logging.getLogger("kafka.conn").error("connection refused")
    assert [line["event"] for line in lines(capsys)] == ["trouble"]
    configure_logging(as_json("DEBUG"), "cases")
    logging.getLogger("kafka.conn").error("connection refused")
    assert [line["event"] for line in lines(capsys)] == ["connection refused"]


def test_the_console_s_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format=LogFormat.CONSOLE), "cases")
    structlog.get_logger("x").info("case", case="QD-1")
    assert "case=QD-1" in capsys.readouterr().err

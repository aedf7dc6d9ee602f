"""The log: one line of JSON per event, nothing about households, and libraries only when they warn."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from adapters.log import Seldom, configure_logging
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


def test_a_kafka_client_s_sentence_is_said_once_a_minute_with_how_often_it_was_left_out() -> None:
    now = [100.0]
    seldom = Seldom(lambda: now[0])

    def said(text: str, *args: object) -> str | None:
        record = logging.LogRecord("aiokafka.conn", logging.ERROR, "conn.py", 1, text, args, None)
        return record.getMessage() if seldom(record) else None

    away = "Unable connect to node with id %s: %s"
    assert said(away, 1, "refused") == "Unable connect to node with id 1: refused"
    assert [said(away, node, "refused") for node in (1, 2, 1)] == [None, None, None]
    assert said("Heartbeat failed") == "Heartbeat failed"
    now[0] += 60
    assert said(away, 2, "refused") == "Unable connect to node with id 2: refused (and 3 times more since this was said last)"


def test_all_others_are_said_as_often_as_they_come_and_everything_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json(), "cases")
    for case_id in ("QD-1", "QD-2"):
        structlog.get_logger("x").info("case", case=case_id)
        logging.getLogger("aiokafka.conn").error("connection refused")
        logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    crash = "Exception in ASGI application"
    assert [line["event"] for line in lines(capsys)] == ["case", "connection refused", crash, "case", crash]
    configure_logging(as_json("DEBUG"), "cases")
    for _ in range(2):
        logging.getLogger("aiokafka.conn").error("connection refused")
    assert len(lines(capsys)) == 2


def test_the_console_s_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format=LogFormat.CONSOLE), "cases")
    structlog.get_logger("x").info("case", case="QD-1")
    assert "case=QD-1" in capsys.readouterr().err

"""Results become a table, ratios, a chart and a page; an engine that failed is named and does not stand in the way."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import page, results
from benchmarks.chart import BAR, NUMBER, WIDTH, drawn
from benchmarks.contest import summed

RUN = {"reports_per_s": 100.0, "cpu_s_per_million": 4.0, "cpu_s_per_million_broker": 1.0, "cpu_s_per_million_redis": 0.5, "rss_mb": 90.4}
SCORE = {"precision": 0.99, "recall": 0.98}


def cell(rate: float) -> dict[str, Any]:
    """Three runs around a rate, and the one for the score."""
    runs = [RUN | {"reports_per_s": rate * factor, "cases": 7, "reports": 1000} for factor in (0.9, 1.0, 1.3)]
    return summed([*runs, SCORE], None)


def content() -> dict[str, Any]:
    """A contest of three, one of which failed."""
    engines = {
        "cityloop/1": {"live": cell(200.0)},
        "kafka-streams/1": {"live": cell(100.0)},
        "quix/1": {"live": summed([], "ended by itself (1)")},
    }
    return results.wrapped(engines, reports=1000, runs=3, cameras=10)


def test_a_cell_keeps_every_run_of_rates_and_cpu_and_the_rest_once() -> None:
    found = cell(100.0)
    assert found["reports_per_s"] == [90.0, 100.0, 130.0]
    assert found["cpu_s_per_million"] == [4.0, 4.0, 4.0]
    assert (found["rss_mb"], found["cases"], found["precision"], found["recall"]) == (90, 7, 0.99, 0.98)


def test_ratios_compare_medians_and_a_failed_engine_has_none() -> None:
    engines = content()["engines"]
    assert results.ratio(engines, "kafka-streams/1", "live") == 2.0
    assert results.ratio(engines, "quix/1", "live") is None


def test_the_table_has_a_row_per_engine() -> None:
    lines = results.table(content(), "live").splitlines()
    assert lines[2] == "| cityloop/1 | 200 (180 – 260) |  | 4.0 | 5.5 | 90 | 7 | 0.9900 | 0.9800 |"
    assert lines[3].startswith("| kafka-streams/1 | 100 (90 – 130) | 2.00 |")
    assert "failed: ended by itself (1)" in lines[4]
    assert len({line.count("|") for line in lines}) == 1


def test_the_chart_is_an_svg_with_the_ratios() -> None:
    svg = drawn(content())
    ElementTree.fromstring(svg)
    assert ">2.0×" in svg


def test_twice_as_fast_is_as_long_to_the_right_as_half_as_fast_is_to_the_left_and_what_is_off_the_scale_says_its_number() -> None:
    twice, half, beyond = (bars(contest(rate)) for rate in (50.0, 200.0, 0.01))
    (left, width, said), (left_of_half, width_of_half, said_of_half) = twice, half
    assert (said, said_of_half) == ("2.0×", "0.50×")
    assert left == left_of_half + width_of_half and width == width_of_half
    assert beyond == (left, WIDTH - NUMBER - left, "10000.0×")


def contest(rate: float) -> dict[str, Any]:
    """Ours at 100 against one other."""
    return results.wrapped({"cityloop/1": {"live": cell(100.0)}, "kafka-streams/1": {"live": cell(rate)}}, reports=1, runs=3, cameras=1)


def bars(content: dict[str, Any]) -> tuple[int, int, str]:
    """Left edge, width and number of the one bar."""
    root = ElementTree.fromstring(drawn(content))
    (bar,) = (rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("height") == str(BAR - 2))
    following = list(root)[list(root).index(bar) + 1]
    return int(bar.get("x", "")), int(bar.get("width", "")), str(following.text)


def test_page_and_chart_come_from_the_newest_contest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(page, "CHART", tmp_path / "benchmarks.svg")
    for day in ("2026-01-01", "2026-01-02"):
        results.save(content() | {"date": day})
    (tmp_path / "2026-01-03-abc-tables.json").write_text(json.dumps({}))
    assert page.write().startswith("2026-01-02-")
    assert "Measured 2026-01-02" in page.PAGE.read_text("utf-8")
    assert "What cities differ in" not in page.PAGE.read_text("utf-8"), "nobody has run the sweeps yet"


def test_the_page_shows_the_newest_sweeps_beside_the_contest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(page, "CHART", tmp_path / "benchmarks.svg")
    results.save(content())
    call = {"redis_us": 31.5, "python_us": 12.0, "longest_cpu_ms": 4.2}
    sweeps = {
        "open_cases": {"city 1000": {"total": call}, "memory_mb": 90.5},
        "bad": {"0.5": RUN, "0.01": {"failed": "stood still"}},
        "noise": {"15 m": SCORE},
    }
    results.save(results.wrapped({}, sweeps=sweeps) | {"date": "2026-01-03"}, "-sweeps")
    page.write()
    lines = page.PAGE.read_text("utf-8").splitlines()
    assert "| share of bad input | 0.5 | 100 | 4.0 | 0.5 |  |  |" in lines
    assert "| share of bad input | 0.01 | failed: stood still |  |  |  |  |" in lines
    assert "| sigma of positions | 15 m |  |  |  | 0.9900 | 0.9800 |" in lines
    assert "| city 1000 | total | 31.5 | 12.0 | 4.2 |" in lines

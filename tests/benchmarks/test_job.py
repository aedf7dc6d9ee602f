"""The rule that the Python peers share; skipped where their JSON parser is not installed (it is no dependency of the product)."""

import pytest

pytest.importorskip("msgspec")

from benchmarks.peers.job import cells, nearest  # noqa: E402


def test_a_report_joins_the_nearest_case_within_radius_and_window() -> None:
    sight = ("r", "road_spillage", 120.0, 36.0, 10_000.0)
    far, near, old = ["far", 120.0, 36.0004, 9_000.0], ["near", 120.0, 36.0001, 9_000.0], ["old", 120.0, 36.0, 2_000.0]
    assert nearest([far, near, old], sight, 50, 7200) is near
    assert nearest([["away", 120.0, 36.0005, 9_000.0], old], sight, 50, 7200) is None


def test_a_circle_touches_its_own_cell_first_and_at_most_four() -> None:
    assert cells(120.0025, 36.0025, 50) == ["24000:7200"]
    assert sorted(cells(120.005, 36.005, 50)) == sorted(["24000:7200", "24000:7201", "24001:7200", "24001:7201"])
    assert cells(120.0051, 36.0051, 50)[0] == "24001:7201"

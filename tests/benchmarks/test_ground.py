"""Two benchmarks in one folder would take each other's data and servers away."""

from pathlib import Path

import pytest

from benchmarks.ground import alone


def test_who_comes_second_is_told_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    with alone(folder):
        folder.mkdir()
        with pytest.raises(SystemExit, match="another benchmark runs in .*city"), alone(folder):
            pytest.fail("it began")
        assert folder.is_dir()
    with alone(folder):
        assert folder.is_dir()

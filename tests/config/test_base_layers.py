"""Base layers of the map are configuration, and never of another site."""

from pathlib import Path

import pytest

from config.base_layers import load_base_layers
from incidents.errors import UserError

GOOD = """
[[layer]]
id = "imagery"
zh = "影像"
en = "Imagery"
tiles = ["/tiles/img/{z}/{x}/{y}.png"]
attribution = "天地图 GS(2024)0650"
"""


def test_without_a_file_there_are_none() -> None:
    assert load_base_layers(None) == []


def test_a_layer_is_taken_with_its_names_and_attribution(tmp_path: Path) -> None:
    path = tmp_path / "layers.toml"
    path.write_text(GOOD, "utf-8")
    [layer] = load_base_layers(path)
    assert (layer.id, layer.zh, layer.tiles) == ("imagery", "影像", ("/tiles/img/{z}/{x}/{y}.png",))


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("/tiles/img", "https://tiles.example/img", "another site"),
        ("/tiles/img", "//tiles.example/img", "another site"),
        ("{y}", "0", "lacks"),
        ('zh = "影像"', "", "zh"),
        ("[[layer]]", "[[layer", "layers.toml"),
    ],
)
def test_a_wrong_layer_is_refused_with_the_reason(tmp_path: Path, was: str, now: str, said: str) -> None:
    path = tmp_path / "layers.toml"
    path.write_text(GOOD.replace(was, now), "utf-8")
    with pytest.raises(UserError, match=said):
        load_base_layers(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.toml"):
        load_base_layers(tmp_path / "nowhere.toml")

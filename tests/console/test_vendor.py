"""What others wrote and we serve is what they published: every vendored file has its package, version, licence and hash."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.vendor import FOLDERS, sha384

PACKAGES: list[tuple[Path, dict[str, Any]]] = [
    (folder, package) for folder in FOLDERS for package in json.loads((folder / "VENDOR.json").read_text("utf-8"))
]


@pytest.mark.parametrize(("folder", "package"), PACKAGES, ids=lambda value: value["name"] if isinstance(value, dict) else "")
def test_a_vendored_file_is_what_was_published(folder: Path, package: dict[str, Any]) -> None:
    assert package["version"] and package["licence"]
    for name, wanted in package["files"].items():
        assert sha384((folder / name).read_bytes()) == wanted["sha384"], name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_nothing_lies_beside_the_vendored_files(folder: Path) -> None:
    known = {name for of, package in PACKAGES if of == folder for name in package["files"]}
    assert {path.name for path in folder.iterdir()} == known | {"VENDOR.json"}


def test_the_map_library_is_not_one_with_a_known_hole() -> None:
    """GHSA-jrc7-96c5-q579: versions before 6.4.1 run script from attributions."""
    [version] = [package["version"] for _, package in PACKAGES if package["name"] == "maplibre-gl"]
    assert tuple(map(int, version.split("."))) >= (6, 4, 1)

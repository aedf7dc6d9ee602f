"""Configuration that is read again while a process runs: what is taken, what is refused, and what is left alone."""

from pathlib import Path

import pytest

from adapters import metrics
from adapters.followed import Followed
from incidents.errors import UserError


class Number:
    """A file with a number in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "number.txt"
        self.write("1")
        self.read_so_often = 0

    def write(self, text: str) -> None:
        """Put something else into it."""
        self.path.write_text(text)

    def read(self) -> int:
        """What it says."""
        self.read_so_often += 1
        try:
            return int(self.path.read_text())
        except ValueError as error:
            raise UserError(f"no number: {error}") from None


def shown(name: str, **labels: str) -> float:
    """What the metric says."""
    return metrics.REGISTRY.get_sample_value(f"cityloop_files_{name}", {"files": "number", **labels}) or 0


@pytest.fixture
def number(tmp_path: Path) -> Number:
    return Number(tmp_path)


@pytest.fixture
def followed(number: Number) -> Followed[int]:
    return Followed("number", [number.path], number.read)


def test_a_changed_file_is_taken_when_it_was_the_same_twice(number: Number, followed: Followed[int]) -> None:
    number.write("2")
    assert [followed.look(), followed.value] == [False, 1]  # perhaps it is still being written
    number.write("23")
    assert [followed.look(), followed.value] == [False, 1]
    assert [followed.look(), followed.value] == [True, 23]
    assert [followed.look(), followed.look()] == [False, False]
    assert number.read_so_often == 2


def test_a_wrong_file_is_refused_once_and_what_was_read_before_stays(number: Number, followed: Followed[int]) -> None:
    refused = shown("read_total", result="refused")
    number.write("two")
    assert [followed.look() for _ in range(4)] == [False] * 4
    assert followed.value == 1
    assert shown("refused") == 1
    assert shown("read_total", result="refused") == refused + 1
    number.write("3")
    assert [followed.look(), followed.look(), followed.value] == [False, True, 3]
    assert shown("refused") == 0


def test_a_file_that_goes_is_refused_and_one_that_comes_back_is_taken(number: Number, followed: Followed[int]) -> None:
    number.path.unlink()
    assert [followed.look(), followed.look(), followed.value] == [False, False, 1]
    number.write("4")
    assert [followed.look(), followed.look(), followed.value] == [False, True, 4]


def test_who_asks_has_it_read_at_once_whether_it_changed_or_not(number: Number, followed: Followed[int]) -> None:
    number.write("5")
    assert [followed.look(at_once=True), followed.value] == [True, 5]
    assert followed.look(at_once=True)

"""What intake had told beyond its commits goes into the totals that the rebuild makes its marks from."""

from datetime import timedelta
from typing import Any

import pytest

from incidents.case import Case
from incidents.commands import SourceTotal
from incidents.decision import Verdict
from incidents.events import CaseId
from incidents.sightings import opened
from streams.retold import Told, with_told
from tests.incidents.closing import CITY, START, opening, sight, total

ONE, TWO = CaseId("QD-20261121-AAAAAAAAAA"), CaseId("QD-20261121-BBBBBBBBBB")
CAMERA = "/cameras/1"


def case(case_id: CaseId, **totals: SourceTotal) -> Case:
    """A case of one camera, told up to offset 10."""
    told = {CAMERA: totals.get("camera", total(3, 10))}
    return opened(CITY, sight(told, case_id=case_id), opening(), START)


def told(offset: int, case_id: CaseId | None, verdict: Verdict = Verdict.MERGED, **changes: Any) -> Told:
    """A report of the camera that has a fate."""
    row: dict[str, Any] = {"source": CAMERA, "time": START + timedelta(seconds=offset), "topic_id": "t1", "partition": 0}
    return Told(**{**row, "offset": offset, "case_id": case_id, "verdict": verdict, **changes})


@pytest.mark.parametrize(
    ("reports", "count", "offset"),
    [
        pytest.param([told(9, ONE), told(10, ONE)], 3, 10, id="what is in the totals already is not counted again"),
        pytest.param([told(11, ONE), told(14, ONE)], 5, 14, id="what is beyond is counted"),
        pytest.param([told(11, ONE), told(12, None, Verdict.RESENT)], 4, 12, id="a resent one moves the offset only"),
        pytest.param([told(11, TWO), told(12, ONE)], 3, 10, id="from the first that cannot be placed on, the source is sifted again"),
        pytest.param([told(11, ONE, partition=9)], 3, 10, id="another partition's offset is no offset here"),
        pytest.param([told(11, ONE, topic_id="t2")], 3, 10, id="nor is one of another topic"),
    ],
)
def test_totals_with_what_is_told(reports: list[Told], count: int, offset: int) -> None:
    after = with_told({ONE: case(ONE)}, reports)[ONE].totals[CAMERA]
    assert (after.count, after.offset) == (count, offset)


def test_a_source_that_is_new_to_a_known_case_is_put_there() -> None:
    after = with_told({ONE: case(ONE)}, [told(7, ONE, source="/cameras/2")])[ONE].totals["/cameras/2"]
    assert (after.count, after.offset, after.last) == (1, 7, START + timedelta(seconds=7))


def test_a_source_follows_its_case() -> None:
    after = with_told({ONE: case(ONE), TWO: case(TWO, camera=total(1, 4))}, [told(11, TWO), told(12, None, Verdict.RESENT)])
    assert [each.totals[CAMERA].offset for each in after.values()] == [10, 12]

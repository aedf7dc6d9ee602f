"""Figures of a district's or a unit's people: of their own cases, by every dimension, and they add up to the city's."""

from pathlib import Path

from adapters.evaluation_store import Counting, Sheets
from incidents.case import Fact
from incidents.indicators import Anchor, Dimension, Tally
from incidents.periods import ALL
from incidents.rights import NOTHING, Scope
from tests.evaluation.stories import events, renamed
from tests.incidents.closing import CITY, STEPS, Desk, opening, sight


def life(district: str, unit: str) -> list[Fact]:
    """A case of a district, of the subdistrict named like the unit, on the unit's desk."""
    desk = Desk()
    where = {"district": district, "subdistrict": f"street of {unit}"}
    desk.take(sight(opening=opening(place=opening().place.model_copy(update=where))))
    for _, command, role, arguments in STEPS[:2]:
        desk.must(command, role, **{**arguments, **({"unit": unit} if "unit" in arguments else {})})
    return desk.facts


def total(counts: Tally, dimension: Dimension) -> dict[str, int]:
    """How many cases have each value."""
    return {value: sum(cases.values()) for value, cases in counts[Anchor.STOCK, dimension].items()}


def test_a_scope_counts_its_own_cases_only(tmp_path: Path) -> None:
    sheets = Sheets(tmp_path / "sheets.sqlite", Counting.of(CITY))
    lives = [("1", "clean-1"), ("1", "police"), ("2", "clean-2")]
    log = [value for at, (district, unit) in enumerate(lives) for value in renamed(events(life(district, unit)), f"QD-20261121-{at:010d}")]
    sheets.take(log, {0: len(log)})

    def by(dimension: Dimension, scope: Scope) -> dict[str, int]:
        return total(sheets.tally(ALL, sheets.told_ms(), (dimension,), scope), dimension)

    assert by(Dimension.DISTRICT, Scope()) == {"1": 2, "2": 1}
    assert by(Dimension.CITY, Scope(districts=("1",))) == {"all": 2}
    assert by(Dimension.DISTRICT, Scope(districts=("1",))) == {"1": 2}
    assert by(Dimension.UNIT, Scope(districts=("1",), subdistricts=("street of police",))) == {"police": 1}
    assert by(Dimension.CITY, Scope(districts=("2",), subdistricts=("street of police",))) == {}
    assert by(Dimension.UNIT, Scope(districts=("1",))) == {"clean-1": 1, "police": 1}
    assert by(Dimension.DISTRICT, Scope(unit="police", below=("clean-2",))) == {"1": 1, "2": 1}
    assert by(Dimension.CITY, NOTHING) == {}
    sheets.close()

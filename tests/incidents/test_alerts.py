"""A case as an alert: from its filing to its end, under the labels of the filing, with nothing personal."""

import pytest

from incidents.alerts import LABELS, alert_of
from incidents.case import Case
from incidents.notice_group import Known
from incidents.notices import Alert
from incidents.vocabulary import State
from tests.incidents.closing import CITY, desk_in

FIRES = {State.FILED, State.DISPATCHED, State.HANDLING, State.CHECKING, State.CHECKED, State.SUSPENDED}


def alert(case: Case) -> Alert:
    """The case's alert, which there is."""
    found = alert_of(CITY, case)
    assert found is not None
    return found


@pytest.mark.parametrize("state", list(State))
def test_a_case_fires_from_its_filing_until_it_ends(state: State) -> None:
    """What was never filed is no alert, in whatever state."""
    case = desk_in(state).open
    found = alert_of(CITY, case)
    if state in FIRES:
        assert found is not None
        assert (found.ends_at, found.starts_at, found.annotations["state"]) == (None, case.filed_at, state)
    elif state is State.CLOSED:
        assert found is not None
        assert (found.ends_at, found.annotations["ended_as"]) == (case.ended_at, "closed")
    else:
        assert found is None


def test_a_case_that_is_reopened_is_a_new_occurrence_of_the_same_alert() -> None:
    """Another start, the same fingerprint; one that was voided is none again until it is filed again."""
    desk = desk_in(State.CLOSED)
    over = alert(desk.open)
    desk.must("reopen", "shift_lead", reason="still there")
    again = alert(desk.open)
    assert (again.fingerprint, again.ends_at) == (over.fingerprint, None)
    assert over.ends_at is not None
    assert again.starts_at > over.ends_at
    voided = desk_in(State.FILED)
    voided.must("void", "shift_lead", reason="no")
    assert alert(voided.open).ends_at is not None
    voided.must("reopen", "shift_lead", reason="yes")
    assert alert_of(CITY, voided.open) is None


def test_labels_are_those_of_the_filing_whatever_a_person_changes_later() -> None:
    """The board keeps them; the annotations say what is so now. A label that the case does not have is left out."""
    desk = desk_in(State.FILED)
    filed = alert(desk.open)
    assert set(filed.labels) == set(LABELS) - {"subdistrict"}
    desk.must("recategorise", "shift_lead", category="spillage")
    now = alert(desk.open)
    assert now.labels["category"] == "spillage"
    known = Known.of(filed).after(now).alert
    assert (known.labels["category"], known.annotations["category"]) == ("building", "spillage")


def test_what_everybody_may_read_holds_nothing_personal() -> None:
    """No description, statement or plate; of an address what names no household."""
    case = desk_in(State.FILED).open
    place = case.place.model_copy(update={"address": "香港中路10号3号楼2单元501室张女士"})
    told = alert(case.model_copy(update={"place": place, "description": "张女士 13800000000", "attributes": {"plate": "鲁B12345"}}))
    said = " ".join([*told.labels.values(), *told.annotations.values()])
    assert told.annotations["address"] == "香港中路10号3号楼"
    assert not [each for each in ("张", "13800000000", "12345", "501") if each in said]

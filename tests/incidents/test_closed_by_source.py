"""What other systems say of themselves: it ends when they say so, counts in no indicator, and a person closes as ever."""

from datetime import timedelta

import pytest

from config.load import load_city
from config.settings import Settings
from incidents.catalogue import OUTSIDE_INDICATORS, SYSTEM
from incidents.flags import standing
from incidents.vocabulary import OPEN, Channel, Closes, Filing, State
from tests.evaluation.stories import LIMITS, sheet
from tests.incidents.closing import CITY, START, Desk, category, city, desk_in, sight

ALERTS = city(
    categories=(
        *CITY.categories,
        category(SYSTEM, close="source", filing=dict.fromkeys(Channel, Filing.AUTO)),
    )
)
STATES = (State.HELD, State.REPORTED, State.FILED, State.DISPATCHED, State.HANDLING, State.SUSPENDED, State.CHECKING, State.CHECKED)


def an_alert(state: State) -> Desk:
    """A case that an alert opened, which has come to this state."""
    return desk_in(state, SYSTEM, ALERTS)


@pytest.mark.parametrize("state", STATES)
def test_an_alert_ends_in_whatever_state_it_is_when_its_source_says_so(state: State) -> None:
    desk = an_alert(state)
    desk.must("close", "system", note="resolved")
    assert desk.open.state is State.CLOSED and desk.facts[-1].note == "resolved"


def test_nothing_else_ends_because_its_source_says_so() -> None:
    desk = Desk()
    desk.take(sight())
    assert "does not end because its source says so" in str(desk.refused("close", "system"))


def test_a_person_still_closes_only_what_was_checked() -> None:
    desk = an_alert(State.DISPATCHED)
    reason = str(desk.refused("close", "shift_lead"))
    assert "checked" in reason and desk.open.state in OPEN


def test_no_indicator_counts_it_however_late_it_is() -> None:
    desk = an_alert(State.HANDLING)
    desk.now = START + timedelta(days=3)
    desk.must("close", "system")
    counted = standing(sheet(desk.facts), LIMITS)
    assert counted.flags == 0 and all(later.after_ms is None for later in counted[1:])


def test_qingdao_knows_what_alerts_and_warnings_are() -> None:
    found = load_city(Settings(city="qingdao"))
    for key in OUTSIDE_INDICATORS:
        row = found.catalogue[key]
        assert (row.close, row.filing[Channel.BUSINESS_DATA]) == (Closes.SOURCE, Filing.AUTO)
        assert row not in found.own_categories

"""The table of transitions holds the contract (ARCHITECTURE.md §2), row by row, and every row can be taken."""

from typing import Any

import pytest

from incidents.effects import EFFECTS
from incidents.guards import CHECKS
from incidents.transitions import TABLE, Need, as_markdown, find, possible
from incidents.vocabulary import OPEN, CommandType, FactType, Role, State
from tests.incidents.closing import OTHER, PHOTO, Desk, desk_in, sight

WORDS: dict[str, Any] = {"reason": "because", "note": "seen", "evidence": PHOTO}

# state | command | role | arguments | next state | fact
CONTRACT: tuple[tuple[str, str, str, dict[str, Any], str, str], ...] = (
    ("held", "confirm", "acceptor", {}, "reported", "updated"),
    ("reported", "verify", "system", {}, "verifying", "updated"),
    ("reported", "file", "shift_lead", {"condition": "large", "severity": "major"}, "filed", "filed"),
    ("reported", "not_file", "shift_lead", WORDS, "not_filed", "not_filed"),
    ("reported", "not_accept", "acceptor", WORDS, "not_filed", "not_accepted"),
    ("reported", "void", "shift_lead", WORDS, "void", "voided"),
    ("verifying", "found", "collector", WORDS, "reported", "verified"),
    ("verifying", "not_found", "collector", {}, "not_filed", "not_found"),
    ("filed", "dispatch", "dispatcher", {"unit": "clean-1", "assisting": ["police"]}, "dispatched", "dispatched"),
    ("filed", "void", "shift_lead", WORDS, "void", "voided"),
    ("dispatched", "accept", "unit", {}, "handling", "accepted"),
    ("dispatched", "return", "unit", WORDS, "filed", "returned"),
    ("handling", "report_handled", "unit", WORDS, "checking", "handled"),
    ("handling", "return", "unit", WORDS, "filed", "returned"),
    ("handling", "request_extension", "unit", {}, "handling", "extension_requested"),
    ("handling", "request_suspension", "unit", {}, "handling", "suspension_requested"),
    ("checking", "pass_check", "checker", WORDS, "checked", "check_passed"),
    ("checking", "fail_check", "checker", WORDS, "handling", "check_failed"),
    ("checked", "close", "shift_lead", {}, "closed", "closed"),
    ("checked", "fail_check", "shift_lead", WORDS, "handling", "check_failed"),
    ("suspended", "resume", "dispatcher", {}, "handling", "resumed"),
    ("closed", "reopen", "shift_lead", WORDS, "filed", "reopened"),
    ("closed", "rate", "acceptor", {"rating": 5}, "closed", "rated"),
    ("closed", "appeal", "unit", {}, "closed", "appealed"),
    ("not_filed", "reopen", "shift_lead", WORDS, "reported", "reopened"),
    ("void", "reopen", "shift_lead", WORDS, "reported", "reopened"),
    ("merged", "unmerge", "acceptor", {}, "reported", "unmerged"),
)
EVERYWHERE: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("supervise", "leader", {}, "supervised"),
    ("note", "leader", WORDS, "noted"),
    ("recategorise", "acceptor", {"category": "littering"}, "recategorised"),
    ("escalate", "dispatcher", {}, "escalated"),
)


@pytest.mark.parametrize("row", CONTRACT, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_command_leads_where_the_contract_says(row: tuple[str, str, str, dict[str, Any], str, str]) -> None:
    state, command, role, arguments, to, fact = row
    desk = desk_in(State(state))
    said = desk.must(command, role, **arguments).facts
    assert (desk.open.state, [each.type for each in said]) == (to, [fact])


@pytest.mark.parametrize("state", sorted(OPEN))
@pytest.mark.parametrize("row", EVERYWHERE, ids=lambda row: row[0])
def test_in_every_open_state_these_are_possible_and_move_nothing(state: State, row: tuple[str, str, dict[str, Any], str]) -> None:
    command, role, arguments, fact = row
    desk = desk_in(state)
    [said] = desk.must(command, role, **arguments).facts
    assert (said.type, desk.open.state) == (fact, state)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_transfer_leads_to_filed_at_the_other_level(state: State) -> None:
    desk = desk_in(state)
    desk.must("transfer", "dispatcher", level="subdistrict")
    assert (desk.open.state, desk.open.level, desk.open.unit) == (State.FILED, "subdistrict", None)
    assert desk.open.due_at is not None


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_merge_is_possible_before_checked_and_unmerging_leads_back(state: State) -> None:
    desk = desk_in(state)
    if state is State.CHECKED:
        assert "checked" in desk.refused("merge", "acceptor", into=OTHER, target={"state": "filed"})
        return
    desk.must("merge", "acceptor", into=OTHER, target={"state": "filed"})
    assert desk.open.state is State.MERGED
    desk.must("unmerge", "acceptor")
    assert desk.open.state is state


def test_every_command_has_its_row_its_effect_and_every_need_its_guard() -> None:
    assert {row.command for row in TABLE} == set(CommandType)
    assert set(EFFECTS) == set(CommandType) - {CommandType.SIGHT, CommandType.FORGET}
    assert set(CHECKS) == set(Need) == {need for row in TABLE for need in row.needs}


def test_no_state_has_two_rows_of_one_command() -> None:
    pairs = [(row.command, state) for row in TABLE for state in row.starts]
    assert len(pairs) == len(set(pairs))


def test_every_fact_of_the_contract_is_said_by_some_row_or_rule() -> None:
    by_rule = {FactType.OPENED, FactType.RECURRED}
    assert {row.fact for row in TABLE if row.fact} | by_rule == set(FactType)


@pytest.mark.parametrize("state", sorted(State))
@pytest.mark.parametrize("role", sorted(Role))
def test_what_the_table_does_not_offer_is_refused_with_what_is_offered(state: State, role: Role) -> None:
    desk = desk_in(state)
    offered = possible(state, role)
    for command in set(CommandType) - set(offered):
        reason = desk.refused(command, role, deadline="none", evidence=PHOTO, reason="r", target={"state": "filed"})
        assert command in reason
        assert all(each in reason for each in offered) or command is CommandType.SIGHT


def test_a_command_to_an_unknown_case_says_so() -> None:
    desk = Desk()
    assert "unknown case" in desk.refused("accept", "unit")
    assert "opening" in str(desk.take(sight(opening=None)).outcome)


def test_the_documentation_is_made_of_the_table() -> None:
    page = as_markdown()
    assert page.count("\n") == len(TABLE) + 2
    assert "| `accept` | `dispatched` | `handling` | accepted | `unit` | by the unit that the case was dispatched to |" in page
    assert find(CommandType.ACCEPT, State.CLOSED) is None

"""A case's story as people read it, and which stories of a demo are worth telling."""

import json

from cli import case_story
from cli.demo_examples import Examples
from incidents.facts import encode_fact
from incidents.vocabulary import FactType, State
from tests.incidents.closing import CASE, CITY, PHOTO, Desk, desk_in


def eventful() -> Desk:
    """Returned, reworked, climbed to the top, and over."""
    desk = desk_in(State.DISPATCHED)
    desk.must("return", "unit", reason="不属于本单位")
    desk.must("dispatch", "dispatcher", unit="clean-2")
    desk.must("escalate", "dispatcher")
    desk.must("accept", "unit")
    for passes in (False, True):
        desk.must("report_handled", "unit", evidence=PHOTO)
        desk.must("pass_check" if passes else "fail_check", "checker", evidence=PHOTO, reason="现场仍有残留")
    desk.must("close", "shift_lead")
    return desk


def test_every_fact_is_a_line_that_says_who_and_what_in_both_languages() -> None:
    desk = eventful()
    lines = []
    for fact in desk.facts:
        data = json.loads(encode_fact(fact))["data"]
        lines.append(" | ".join(map(str, case_story.line(CITY, fact.type, fact.sequence, data, desk.open.opened_at))))
    story = "\n".join(lines)
    for words in (
        "退单 Returned | 处置部门 unit-1 | “不属于本单位” · 第 1 次退回 return no. 1",
        "升至 up to city",
        "rework no. 1",
        "→ 名 name",
    ):
        assert words in story
    assert len(lines) == len(desk.facts)


def test_of_every_turn_the_first_case_that_took_it_and_is_over_is_kept_with_its_story() -> None:
    desk, examples = eventful(), Examples("city")
    for fact in desk.facts[:-1]:
        examples.hear(fact)
    assert examples.ended == {}
    examples.hear(desk.facts[-1])
    assert set(examples.ended) == {FactType.RETURNED, FactType.CHECK_FAILED, FactType.ESCALATED}
    richest = examples.richest()
    assert richest is not None
    assert (richest[0], richest[1][-1].fact) == (CASE, FactType.CLOSED)


def test_a_case_that_took_no_turn_is_not_kept() -> None:
    examples = Examples("city")
    for fact in desk_in(State.CLOSED).facts:
        examples.hear(fact)
    assert (examples.stories, examples.richest()) == ({}, None)

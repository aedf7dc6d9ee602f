"""The atomic call: the same verdicts from the script on a real Redis and from its twin."""

import asyncio
import uuid
from collections.abc import Awaitable
from typing import cast

import orjson
import pytest

from adapters.hot import LAYOUT
from adapters.sift import Answer, Learned
from incidents.errors import NotReady
from incidents.vocabulary import State
from tests.adapters.sifting import T0, OnShelf, Shelf, group, hinted, redis_sift, rule, verdicts


def test_the_first_report_opens_and_a_second_camera_near_by_joins(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        assert verdicts(await shelf.call(group("/a", 1))) == [("QD-/a-1", "opened", "opened", (1,))]
        assert verdicts(await shelf.call(group("/b", 2, east_m=20, s=60))) == [("QD-/a-1", "merged", "same_place", (2,))]
        assert verdicts(await shelf.call(group("/a", 3, east_m=2000, s=70))) == [("QD-/a-3", "opened", "opened", (3,))]

    on_shelf(scenario)


def test_offsets_up_to_the_mark_are_already_counted(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", [1, 2, 3]))
        again = await shelf.call(group("/a", [2, 3]))
        assert (again.entry, again.learned[0].verdict, again.learned[0].case) == ("", "already", "QD-/a-1")
        assert verdicts(await shelf.call(group("/a", [3, 4], s=9, new_id="x", opening="{}"))) == [
            ("QD-/a-1", "merged", "same_source", (4,))
        ]

    on_shelf(scenario)


def test_a_topic_made_anew_counts_its_offsets_from_the_start(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", [1, 2, 3]))
        later = await shelf.call(group("/a", 1, s=60, new_id="QD-n"), topic="T2")
        assert verdicts(later) == [("QD-/a-1", "merged", "same_source", (1,))]

    on_shelf(scenario)


def test_the_same_report_again_is_resent_and_changes_nothing(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        first = group("/a", 1, keys=[77])
        await shelf.call(first)
        assert verdicts(await shelf.call(group("/a", 2, keys=[77], new_id="QD-/a-1"))) == [(None, "resent", "resent", (2,))]
        await shelf.call(group("/a", 3, s=60, keys=[78], new_id="QD-3"))
        assert verdicts(await shelf.call(group("/a", 4, s=60, keys=[78], new_id="QD-3"))) == [(None, "resent", "resent", (4,))]

    on_shelf(scenario)


def test_a_hint_to_a_closed_case_comes_again_and_what_must_wait_for_it_waits(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/b", 2, east_m=500))
        await shelf.move("QD-/a-1", State.CLOSED, T0 + 5_000, T0 + 6_000)
        answer = await shelf.call(
            hinted("/a", "QD-/a-1", [3, 4], s=10), group("/a", 5, s=20, east_m=900), hinted("/b", "QD-/b-2", 6, s=5, east_m=500)
        )
        assert [each.verdict for each in answer.learned] == ["again", "later", "merged"]
        assert verdicts(await shelf.call(group("/a", 3, s=10))) == [("QD-/a-3", "opened", "recurred", (3,))]

    on_shelf(scenario)


def test_a_sighting_not_newer_than_the_handling_joins_even_a_closed_case(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.CLOSED, T0 + 60_000, T0 + 90_000)
        assert verdicts(await shelf.call(group("/b", 2, s=30))) == [("QD-/a-1", "merged", "late", (2,))]

    on_shelf(scenario)


@pytest.mark.parametrize("first", [30, 90])
def test_a_group_with_reports_from_before_and_after_the_handling_comes_again(on_shelf: OnShelf, first: int) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.CHECKING, T0 + 60_000)
        times = [T0 + 1000 * first, T0 + 1000 * (120 - first)]  # in either order: the second may have come late
        answer = await shelf.call(hinted("/a", "QD-/a-1", [2, 3], times=times))
        assert ([each.verdict for each in answer.learned], answer.entry) == (["again"], "")
        older = await shelf.call(hinted("/a", "QD-/a-1", [2, 3], times=[T0 + 40_000, T0 + 30_000]))
        assert verdicts(older) == [("QD-/a-1", "merged", "late", (2, 3))]

    on_shelf(scenario)


def test_after_a_refusal_the_same_source_is_held_and_another_is_not(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.NOT_FILED, None, T0 + 60_000)
        assert verdicts(await shelf.call(group("/a", 2, s=120))) == [("QD-/a-2", "held", "refused", (2,))]
        assert verdicts(await shelf.call(group("/a", 3, s=130))) == [("QD-/a-2", "merged", "same_source", (3,))]
        assert verdicts(await shelf.call(group("/c", 4, s=140, east_m=40, urgent=0, rule=rule(radius=1)))) == [
            ("QD-/c-4", "opened", "opened", (4,))
        ]

    on_shelf(scenario)


def test_an_instant_thing_is_another_offence_after_its_span(on_shelf: OnShelf) -> None:
    truck = rule(span=1_800_000, window=1_800_000, by_place=False, moving=True)

    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, identity="plate:鲁B12345", rule=truck))
        near = await shelf.call(group("/b", 2, s=600, east_m=9000, identity="plate:鲁B12345", rule=truck))
        assert verdicts(near) == [("QD-/a-1", "merged", "same_plate", (2,))]
        later = await shelf.call(group("/c", 3, s=1900, identity="plate:鲁B12345", rule=truck))
        assert verdicts(later) == [("QD-/c-3", "opened", "series", (3,))]
        other = await shelf.call(group("/a", 4, s=1901, identity="plate:鲁B99999", rule=truck))
        assert verdicts(other) == [("QD-/a-4", "opened", "opened", (4,))]

    on_shelf(scenario)


def test_a_persons_report_is_never_merged_but_suggested(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        answer = await shelf.call(group("/hotline", 2, east_m=5, s=60, machine=False, tight=False))
        assert verdicts(answer) == [("QD-/hotline-2", "opened", "opened", (2,))]
        assert orjson.loads(answer.outcome)["sights"][0]["opens"]["suggested"] == "QD-/a-1"

    on_shelf(scenario)


def test_sights_from_other_partitions_bring_the_opening_until_closure_knows_the_case(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        def opens(answer: Answer) -> object:
            return orjson.loads(answer.outcome)["sights"][0].get("opens")

        assert opens(await shelf.call(group("/a", 1))) == {"opening": {"by": "/a:1"}}
        assert opens(await shelf.call(group("/b", 1, s=1), partition=1)) == {"opening": {"by": "/a:1"}}
        assert opens(await shelf.call(group("/d", 2, s=1))) is None  # its own partition's come behind the first
        await shelf.move("QD-/a-1", State.REPORTED)
        assert opens(await shelf.call(group("/c", 1, s=2), partition=2)) is None

    on_shelf(scenario)


def test_an_alias_leads_to_the_case_it_was_merged_into(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/b", 2, east_m=500))
        await shelf.move("QD-/b-2", State.MERGED, ended=T0, into="QD-/a-1")
        assert verdicts(await shelf.call(group("/b", 3, s=10))) == [("QD-/a-1", "merged", "same_source", (3,))]

    on_shelf(scenario)


def test_the_outbox_keeps_outcomes_in_order_until_they_are_removed(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        one, two = await shelf.call(group("/a", 1)), await shelf.call(group("/b", 2, east_m=900))
        assert await shelf.store.outbox(0) == [(one.entry, one.outcome), (two.entry, two.outcome)]
        await shelf.store.remove(0, [one.entry])
        assert [entry for entry, _ in await shelf.store.outbox(0)] == [two.entry]

    on_shelf(scenario)


def test_a_published_entry_leaves_with_the_next_call_and_is_not_counted_as_anothers(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        one = await shelf.call(group("/a", 1))
        two = await shelf.store.call(0, "T", [group("/b", 2, east_m=900)], published=one.entry)
        assert two.others == 0
        late = await shelf.store.call(0, "T", [group("/b", 2, east_m=900)], published=one.entry)
        assert (late.entry, late.others) == ("", 1), "nothing new, and what is gone is gone"
        assert [entry for entry, _ in await shelf.store.outbox(0)] == [two.entry]

    on_shelf(scenario)


def test_an_entry_that_is_being_told_is_not_anothers_as_long_as_it_is_there(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        one = await shelf.call(group("/a", 1))
        two = await shelf.store.call(0, "T", [group("/b", 2, east_m=900)], telling=one.entry)
        assert two.others == 0
        await shelf.store.remove(0, [two.entry])
        three = await shelf.store.call(0, "T", [group("/c", 3, east_m=1800)], telling=two.entry)
        assert three.others == 1, "somebody else told the one, and another one is there"

    on_shelf(scenario)


def test_a_repeat_that_joined_the_case_of_its_hint_is_answered_without_it(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        answer = await shelf.call(hinted("/a", "QD-/a-1", 2, s=5), group("/b", 3, s=9, hint="QD-/a-1"))
        assert answer.learned[0] == Learned("merged")
        assert answer.learned[1].case == "QD-/a-1", "a question is answered in full, whatever its hint"

    on_shelf(scenario)


def test_a_redis_that_an_older_version_filled_refuses(redis_server: str) -> None:
    async def scenario() -> None:
        store, hot = await redis_sift(redis_server, f"t{uuid.uuid4().hex[:8]}.")
        filled = await cast(Awaitable[bytes], hot.redis.get(hot.keys.ready))
        assert filled.endswith(f":{LAYOUT}".encode())
        await hot.redis.set(hot.keys.ready, filled.rpartition(b":")[0])
        with pytest.raises(NotReady, match="of an older version"):
            await store.call(0, "T", [group("/a", 1)])
        await hot.close()

    asyncio.run(scenario())


def test_a_flushed_redis_refuses(redis_server: str) -> None:
    async def scenario() -> None:
        store, hot = await redis_sift(redis_server, f"t{uuid.uuid4().hex[:8]}.")
        await hot.redis.delete(hot.keys.ready)
        with pytest.raises(NotReady):
            await store.call(0, "T", [group("/a", 1)])
        await hot.close()

    asyncio.run(scenario())

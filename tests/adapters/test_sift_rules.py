"""What a single group may rely on in the atomic call: light groups, other sources, people, crowds; from script and twin alike."""

import itertools

import orjson
import pytest

from adapters.seen import totals_of
from adapters.sift import Answer
from incidents.steps.sifting import CROWD, PAGE, Group
from incidents.vocabulary import State
from tests.adapters.sifting import T0, OnShelf, Shelf, group, hinted, light, rule, totals_told, verdicts

PLATE = "plate:鲁B12345"


def learned(answer: Answer) -> list[str]:
    """What each group came to."""
    return [each.verdict for each in answer.learned]


def test_a_light_group_joins_by_source_and_by_place(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        answer = await shelf.call(light("/a", 2, s=5), light("/b", 3, s=6, east_m=20))
        assert verdicts(answer) == [("QD-/a-1", "merged", "same_source", (2,)), ("QD-/a-1", "merged", "same_place", (3,))]

    on_shelf(scenario)


AGAIN = {
    "it would open a case": light("/c", 9, s=20, east_m=900),
    "it may be the report that opened, once more": light("/a", 9, s=-5),
    "it may be the report that opened, at the very moment": light("/a", 9, s=2),
    "its hint is closed": hinted("/z", "QD-/z-3", [9, 10], s=20, east_m=5000),
    "its hint is far": hinted("/a", "QD-/a-1", 9, s=20, east_m=900),
    "it joins another case than hinted": hinted("/b", "QD-/z-3", [9, 10], s=20),
    "it is late at first and then is not": hinted("/y", "QD-/y-4", [9, 10], s=29, east_m=7000),
    "it reaches beyond the radius": group("/b", [9, 10], s=20, east_m=40, spread=1500),
    "it begins with a resend and must open": group("/a", [9, 10], s=2, east_m=900, keys=[77, 78]),
}


@pytest.mark.parametrize("asked", AGAIN.values(), ids=AGAIN)
def test_what_comes_again_has_changed_nothing(on_shelf: OnShelf, asked: Group) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/a", 2, s=2, keys=[77]), group("/z", 3, east_m=5000), group("/y", 4, east_m=7000))
        await shelf.move("QD-/z-3", State.VOID, None, T0)
        await shelf.move("QD-/y-4", State.CHECKING, T0 + 29_500)
        before = await shelf.kept()
        assert learned(await shelf.call(asked, group(asked.source, 11, s=60))) == ["again", "later"]
        assert await shelf.kept() == before

    on_shelf(scenario)


def test_a_light_group_that_comes_again_with_its_id_is_known_as_a_resend(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, keys=[7]), group("/a", list(range(2, 30)), s=1))
        assert learned(await shelf.call(light("/a", 40, keys=[7]))) == ["again"]
        assert verdicts(await shelf.call(group("/a", 40, keys=[7], new_id="QD-/a-1"))) == [(None, "resent", "resent", (40,))]

    on_shelf(scenario)


def test_a_camera_that_sees_two_things_in_turn_joins_each_without_a_hint(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, tight=False), group("/a", 2, tight=False, s=1, family="mud"))
        assert verdicts(await shelf.call(light("/a", 3, s=9, tight=False))) == [("QD-/a-1", "merged", "same_source", (3,))]
        again = await shelf.call(group("/a", 3, s=9, family="mud"))
        assert (again.learned[0].verdict, again.learned[0].case) == ("already", "QD-/a-2")

    on_shelf(scenario)


def test_a_person_is_told_of_the_case_with_the_same_identity_wherever_it_is(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, identity=PLATE))
        answer = await shelf.call(group("/hotline", 2, east_m=9000, s=60, machine=False, identity=PLATE))
        assert verdicts(answer) == [("QD-/hotline-2", "opened", "opened", (2,))]
        assert orjson.loads(answer.outcome)["sights"][0]["opens"]["suggested"] == "QD-/a-1"

    on_shelf(scenario)


@pytest.mark.parametrize(("tight", "rule_"), [(True, "recurred"), (False, "opened")])
def test_what_a_person_sees_again_has_recurred_if_it_is_surely_there(on_shelf: OnShelf, tight: bool, rule_: str) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.CLOSED, T0 + 5_000, T0 + 6_000)
        answer = await shelf.call(group("/app", 2, s=60, machine=False, tight=tight))
        assert verdicts(answer) == [("QD-/app-2", "opened", rule_, (2,))]

    on_shelf(scenario)


def test_an_emergency_is_held_by_no_refusal(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.VOID, None, T0 + 60_000)
        assert verdicts(await shelf.call(group("/a", 2, s=120, urgent=0))) == [("QD-/a-2", "opened", "opened", (2,))]

    on_shelf(scenario)


def test_a_held_case_says_how_many_have_seen_it(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, held=True, rule=rule(confirm=3)))
        answer = await shelf.call(group("/a", [2, 3], s=5, rule=rule(confirm=3)))
        assert orjson.loads(answer.outcome)["fates"][0][6:] == [3, 3]

    on_shelf(scenario)


def test_a_case_that_is_no_alias_any_more_is_found_at_its_place(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/b", 2, east_m=500))
        await shelf.move("QD-/b-2", State.MERGED, ended=T0, into="QD-/a-1")
        assert learned(await shelf.call(light("/c", 3, s=9, east_m=500))) == ["again"]
        await shelf.move("QD-/b-2", State.REPORTED)
        assert verdicts(await shelf.call(light("/c", 3, s=9, east_m=500))) == [("QD-/b-2", "merged", "same_place", (3,))]

    on_shelf(scenario)


def test_a_forgotten_case_is_found_by_nothing(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.forget("QD-/a-1")
        assert learned(await shelf.call(hinted("/a", "QD-/a-1", 2, s=9), light("/b", 3, s=9, east_m=500))) == ["again", "again"]
        assert verdicts(await shelf.call(group("/b", 3, s=9))) == [("QD-/b-3", "opened", "opened", (3,))]

    on_shelf(scenario)


def test_a_crowd_of_vague_or_ended_cases_hides_no_exact_one(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/exact", 1))
        await shelf.fill(*[group(f"/p{at}", at, s=at, machine=False) for at in range(2, CROWD)])
        for at in range(2, CROWD):
            await shelf.move(f"QD-/p{at}-{at}", State.CLOSED, T0 + at * 1000, T0 + at * 1000)
        await shelf.fill(*[group(f"/q{at}", CROWD + at, s=200 + at, machine=False, tight=False) for at in range(2 * CROWD)])
        found = await shelf.call(light("/second", 2000, s=600, east_m=3))
        assert verdicts(found) == [("QD-/exact-1", "merged", "same_place", (2000,))]

    on_shelf(scenario)


def test_of_very_many_sources_every_sight_tells_some_and_all_are_told(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        many = 10 * PAGE  # Redis hands out up to 512 small fields at once
        await shelf.fill(*[group(f"/c{at}", at, s=at) for at in range(many)])
        told: dict[str, str] = {}
        for at in range(60):
            answer = await shelf.call(hinted("/c0", "QD-/c0-0", many + at, s=many + at, notable=True))
            sight = orjson.loads(answer.outcome)["sights"][0]
            assert len(sight["totals"]) < 6 * PAGE
            told |= totals_told(sight)
        assert sum(int(total.split("|")[0]) for total in told.values()) == many + 60

    on_shelf(scenario)


@pytest.mark.parametrize("many", range(1, 7))
def test_however_many_sources_see_a_case_the_total_of_each_is_told_and_kept(on_shelf: OnShelf, many: int) -> None:
    async def scenario(shelf: Shelf) -> None:
        offsets = itertools.count()
        for again in range(3):
            for at in range(many):
                answer = await shelf.call(group(f"/c{at}", next(offsets), s=10 * again + at, notable=True), topic=f"T{again // 2}")
        (sight,) = orjson.loads(answer.outcome)["sights"]
        assert totals_told(sight) == {f"/c{at}": f"3|{T0 + 1000 * at}|{T0 + 1000 * (20 + at)}|T1|0|{2 * many + at}" for at in range(many)}
        if shelf.hot is not None:
            kept = await totals_of(shelf.hot, ["QD-/c0-0", "QD-/never-1"])
            assert list(kept) == ["QD-/c0-0"]
            assert kept["QD-/c0-0"].count == 3 * many
            assert {(last.topic_id, last.offset) for last in kept["QD-/c0-0"].positions} == {("T1", 2 * many + at) for at in range(many)}

    on_shelf(scenario)

"""One-tap links: whoever is called from their sleep acknowledges an escalation without signing in.

The link is the permission (adapters/links.py): one case, one person, twelve hours. GET shows, only POST acts, for chat programs and mail
scanners open every link they see. What is given is the command `acknowledge` of that person, judged and journalled like any other.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from adapters.rates import Whose
from console.access import address
from console.actions import actions
from console.commands import Ask, Wish
from console.problems import Problem
from console.tap_page import ASKED, BEFORE, ENDED, NOT_NOW, NOT_YOURS, PENDING, TAKEN, WRONG, Said, facts_of, page
from console.world import World
from incidents.case import Case
from incidents.duty import person_on_duty
from incidents.rights import Person, actor_of, may_command, scope_of
from incidents.vocabulary import CommandType

MOST_LETTERS = 500


@dataclass(frozen=True, slots=True)
class Tap:
    """A link that may be used: who, and which case."""

    person: Person
    case: Case


@dataclass(frozen=True, slots=True)
class No:
    """One that may not: what the page says, and the status."""

    said: Said
    status: int


def router(world: World) -> APIRouter:
    """`/ack/{token}`."""
    area = APIRouter(include_in_schema=False)

    @area.get("/ack/{token}")
    async def show(token: str, request: Request) -> HTMLResponse:
        """The case and the button; changes nothing."""
        tap = await _tap(world, request, token)
        if isinstance(tap, No):
            return _answer(page(tap.said), tap.status)
        said = _standing(world, tap)
        return _answer(page(said, facts_of(world.city, tap.case, tap.person.name), button=said is ASKED), 200)

    @area.post("/ack/{token}")
    async def acknowledge(token: str, request: Request) -> HTMLResponse:
        """Acknowledge; a second tap on the same escalation is the same command."""
        tap = await _tap(world, request, token)
        if isinstance(tap, No):
            return _answer(page(tap.said), tap.status)
        facts, standing = facts_of(world.city, tap.case, tap.person.name), _standing(world, tap)
        if standing is not ASKED:
            return _answer(page(standing, facts), 200)
        key = f"tap-{hashlib.sha256(token.encode()).hexdigest()[:24]}-{tap.case.escalated_to}"
        [found] = await world.commands.give(tap.person, [Wish(tap.case.case_id, key, Ask(type=CommandType.ACKNOWLEDGE))])
        if isinstance(found, Problem):
            return _answer(page(NOT_NOW, [(found.detail, ""), *facts]), found.status_code)
        return _answer(page(TAKEN, facts), 200) if found.state else _answer(page(PENDING, facts), 202)

    return area


async def _tap(world: World, request: Request, token: str) -> Tap | No:
    """Who holds which case in hand. Raises Problem 429 for too many, TryAgain and NotReady."""
    world.access.count(request, Whose.ADDRESS, address(request))
    link = world.links.read(token) if len(token) <= MOST_LETTERS else None
    if link is None:
        return No(WRONG, 404)
    if link.until <= world.links.now():
        return No(ENDED, 410)
    person = await asyncio.to_thread(_person, world, link.person)
    case = (await world.hub.view.cases_of([link.case_id])).get(link.case_id)
    if person is None or case is None or not scope_of(person).covers_case(case):
        return No(NOT_YOURS, 403)
    return Tap(person, case)


def _person(world: World, key: str) -> Person | None:
    """As whom somebody of the roster acts now; None when they stand on it no more, their account is disabled, or their role may not."""
    on_roster = world.roster.value.person_by_key.get(key)
    if on_roster is None:
        return None
    person = world.access.people.able(on_roster.account) if on_roster.account else person_on_duty(world.city, on_roster)
    return person if person is not None and may_command(person, CommandType.ACKNOWLEDGE) else None


def _standing(world: World, tap: Tap) -> Said:
    if tap.case.acknowledged:
        return BEFORE
    offered = actions(world.city, tap.case, actor_of(tap.person), world.clock.now())
    return ASKED if any(each.command is CommandType.ACKNOWLEDGE for each in offered) else NOT_NOW


def _answer(html: str, status: int) -> HTMLResponse:
    return HTMLResponse(html, status, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})

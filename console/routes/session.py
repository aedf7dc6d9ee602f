"""`/api/v1/session`: sign in, who am I, sign out; `/api/v1/password`: another password of one's own."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from adapters.people import LASTS_MS, LEAST_LETTERS, MOST_LETTERS, Refused
from console.access import COOKIE, SignedIn, address, too_many
from console.problems import Problem
from console.world import World
from incidents.journal import Kind
from incidents.rights import Permission, Person, may, may_command
from incidents.vocabulary import CommandType

UNKNOWN = ":unknown"
"""Whom the journal names when somebody tried an account that is not there: what was typed may be a password."""


class Credentials(BaseModel):
    """What signing in takes."""

    account: str = Field(min_length=1, max_length=100, examples=["wang.fang"])
    password: str = Field(min_length=1, max_length=MOST_LETTERS, examples=["four words that nobody guesses"])


class Session(BaseModel):
    """Who is signed in, and what they may do."""

    person: Person
    csrf: str | None = Field(description="send it as `X-CSRF-Token` with POST, PUT and DELETE; null for a token, which needs none")
    permissions: list[Permission]
    commands: list[CommandType] = Field(description="commands that the role may give in some state; a case says which now")


class NewPassword(BaseModel):
    """What changing one's own password takes."""

    old: str = Field(min_length=1, max_length=MOST_LETTERS, examples=["four words that nobody guesses"])
    new: str = Field(
        min_length=LEAST_LETTERS,
        max_length=MOST_LETTERS,
        description="not easily guessed: few different letters, or the account's name in it, are refused",
        examples=["a lantern behind seven dunes"],
    )


class PasswordChanged(BaseModel):
    """The password is another one."""

    ended: int = Field(ge=0, description="sessions of the account on other machines that ended")


def router(world: World) -> APIRouter:
    """Signing in and out, and one's own password."""
    area = APIRouter(prefix="/api/v1", tags=["session"])
    access, journal = world.access, world.journal

    @area.post("/session", summary="Sign in")
    def sign_in(given: Credentials, request: Request, response: Response) -> Session:
        """Begin a session, kept in a cookie that no script reads; it ends after twelve hours without use, or a week."""
        found = access.people.sign_in(given.account, given.password, address(request))
        if isinstance(found, Refused):
            raise _refused(world, found, request)
        journal.append(Kind.SIGNED_IN, found.person.id, {"address": address(request), "district": found.person.district})
        response.set_cookie(
            COOKIE, found.token, max_age=LASTS_MS // 1_000, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
        response.headers["Cache-Control"] = "no-store"
        return _session(found.person, access.csrf_of(found.token))

    @area.get("/session", summary="Who is signed in")
    def whoami(person: SignedIn, request: Request, response: Response) -> Session:
        """Who is signed in, what they may do, and the CSRF token of their pages."""
        response.headers["Cache-Control"] = "no-store"
        return _session(person, access.csrf(request))

    @area.delete("/session", status_code=204, summary="Sign out")
    def sign_out(
        person: SignedIn,
        request: Request,
        everywhere: Annotated[bool, Query(description="end the account's sessions on all machines")] = False,
    ) -> Response:
        """End this session, or all of the account. A token is revoked with `cityloop tokens revoke`."""
        if person.kind == "token":
            raise Problem(403, "forbidden", "Not yours to do", "a token has no session to end: revoke it (`cityloop tokens revoke`)")
        ended = access.people.sign_out_everywhere(person.id) if everywhere else access.people.sign_out(request.cookies[COOKIE])
        access.forget(person)
        journal.append(Kind.SIGNED_OUT, person.id, {"sessions": ended, "district": person.district})
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    @area.post("/password", summary="Change one's own password")
    def change_password(given: NewPassword, person: SignedIn, request: Request) -> PasswordChanged:
        """Give oneself another password, knowing the old one. This session goes on; all others of the account end."""
        if person.kind == "token":
            raise Problem(403, "forbidden", "Not yours to do", "a token has no password: rotate it (`cityloop tokens rotate`)")
        found = access.people.change_password(person.id, given.old, given.new, address(request), request.cookies[COOKIE])
        if isinstance(found, Refused):
            raise _not_changed(world, found, person, request)
        access.forget(person)
        journal.append(Kind.ACCOUNT, person.id, {"act": "password", "account": person.id, "ended": found, "district": person.district})
        return PasswordChanged(ended=found)

    return area


def _not_changed(world: World, found: Refused, person: Person, request: Request) -> Problem:
    if found.wait_ms:
        return too_many(-(-found.wait_ms // 1_000), "too many attempts with a wrong password")
    told = {"act": "password", "address": address(request), "district": person.district}
    world.journal.append(Kind.SIGN_IN_FAILED, person.id, told)
    return Problem(403, "wrong_password", "The old password is wrong", "nothing was changed: type the password that you signed in with")


def _refused(world: World, found: Refused, request: Request) -> Problem:
    if found.wait_ms:
        return too_many(-(-found.wait_ms // 1_000), "too many attempts to sign in")
    world.journal.append(Kind.SIGN_IN_FAILED, found.account or UNKNOWN, {"address": address(request)})
    return Problem(401, "wrong_password", "Not signed in", "account or password is wrong: try again, or ask whoever keeps the accounts")


def _session(person: Person, csrf: str | None) -> Session:
    permissions: list[Permission] = [each for each in Permission if may(person, each)]
    return Session(person=person, csrf=csrf, permissions=permissions, commands=[each for each in CommandType if may_command(person, each)])

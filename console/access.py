"""Who asks, and whether they may: the dependencies that every route of the API names, and nothing else decides.

A route takes a parameter of type `CanRead`, `CanCommand`, … and gets the signed-in `Person`, by an account's session (cookie) or a token
(`Authorization: Bearer clt_…`); which cases exist for them is the query layer's matter (`incidents.rights.scope_of`).
"""

import asyncio
import hmac
import threading
import time
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from adapters.database import Database
from adapters.people import People, hashed
from adapters.rates import Rate, Rates, Whose
from adapters.secrets import Secrets
from adapters.tokens import PREFIX, Tokens
from config.settings import Settings
from console.problems import Problem
from incidents.catalogue import City
from incidents.rights import Permission, Person, may
from incidents.vocabulary import Role

COOKIE = "cityloop_session"
CSRF_HEADER = "X-CSRF-Token"
SIGNATURE = "webhook-signature"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN_FOR_S = 1.0
"""How long a person is taken as known without asking SQL again: the most that revoking, disabling or signing out is late elsewhere."""
MOST_KNOWN = 10_000

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", description="an account's session; POST /api/v1/session", auto_error=False)
_bearer = HTTPBearer(scheme_name="token", description="an API token, clt_…; `cityloop tokens create`", auto_error=False)


class Access:
    """The console's door: finds out who asks and how often they did."""

    def __init__(self, people: People, tokens: Tokens, rates: Rates, secrets: Secrets) -> None:
        self.people = people
        self.tokens = tokens
        self._rates = rates
        self._secrets = secrets
        self._known: dict[str, tuple[Person, float]] = {}
        self._lock = threading.Lock()

    def recognise(self, request: Request) -> Person | None:
        """Who asks, without counting: for a stream to see whether its person is still signed in. Asks SQL; for threads."""
        token, session = _credentials(request)
        if token is not None:
            return self._find(token, self.tokens.find) if token.startswith(PREFIX) else None
        return None if session is None else self._find(session, self.people.session)

    def _find(self, secret: str, ask: Callable[[str], Person | None]) -> Person | None:
        key, now = f"{ask.__qualname__} {hashed(secret)}", time.monotonic()  # a token is no session, even when it is known
        person, until = self._known.get(key, (None, 0.0))
        if now < until:
            return person
        if (person := ask(secret)) is not None:
            with self._lock:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[key] = person, now + KNOWN_FOR_S
        return person

    def forget(self, person: Person) -> None:
        """Ask SQL at this person's next request: after signing out here."""
        with self._lock:
            for key in [key for key, (known, _) in self._known.items() if known.id == person.id]:
                del self._known[key]

    def admit(self, request: Request) -> Person:
        """Who asks. Raises Problem: 401 for nobody, 403 for a page of another site, 429 for too many requests."""
        person = self.recognise(request)
        if person is None:
            self.count(request, Whose.ADDRESS, address(request))
            raise Problem(
                401,
                "signed_out",
                "Nobody is signed in",
                "sign in at /login, or send `Authorization: Bearer clt_…` with a token that has not ended or been revoked",
                headers={"WWW-Authenticate": "Bearer"},
            )
        self.count(request, Whose(person.kind), person.id)
        if person.kind == "account" and request.method not in SAFE_METHODS:
            self._check_csrf(request)
        return person

    def count(self, request: Request, whose: Whose, who: str) -> None:
        """One request more. Raises Problem 429 with the seconds until it may be repeated."""
        rate = self._rates.hit(whose, who)
        request.state.rate = _headers(rate)
        if rate.exceeded:
            raise too_many(rate.reset_s, f"more than {rate.limit} requests a minute")

    def csrf(self, request: Request) -> str | None:
        """What this session's pages send as `X-CSRF-Token` with whatever changes something; None without a session."""
        token, session = _credentials(request)
        return self.csrf_of(session) if token is None and session is not None else None

    def csrf_of(self, session: str) -> str:
        """The same for a session that begins."""
        return hmac.new(self._secrets.session, b"csrf" + hashed(session).encode(), "sha256").hexdigest()

    def _check_csrf(self, request: Request) -> None:
        given, expected = request.headers.get(CSRF_HEADER, ""), self.csrf(request) or ""
        if not hmac.compare_digest(given.encode(), expected.encode()):
            detail = f"send the header {CSRF_HEADER} with the `csrf` of GET /api/v1/session; a token (Authorization: Bearer) needs none"
            raise Problem(403, "csrf", "This request may come from another site", detail)


def open_access(settings: Settings, city: City, database: Database, secrets: Secrets) -> Access:
    """The door of a console with these settings."""
    people = People(database, {unit.key: unit.parent for unit in city.units})
    return Access(people, Tokens(database, people), Rates(settings), secrets)


def too_many(wait_s: int, why: str) -> Problem:
    """429: wait, then repeat."""
    return Problem(
        429, "too_many", "Too many requests", f"{why}: repeat it in {wait_s} s", headers={"Retry-After": str(wait_s)}, retry_after=wait_s
    )


def address(request: Request) -> str:
    """Where a request comes from: the nearest proxy, unless that is on this machine and says whom it asks for."""
    return request.client.host if request.client else "unknown"


def _credentials(request: Request) -> tuple[str | None, str | None]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return (token.strip() if scheme.lower() == "bearer" else None), request.cookies.get(COOKIE)


def _headers(rate: Rate) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers-07: the three headers that clients know."""
    return {"RateLimit-Limit": str(rate.limit), "RateLimit-Remaining": str(rate.left), "RateLimit-Reset": str(rate.reset_s)}


def signed_in(
    request: Request,
    _session: Annotated[str | None, Depends(_cookie)],
    _token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Person:
    """Whoever is signed in, whatever they may do. Raises Problem."""
    access: Access = request.app.state.world.access
    return access.admit(request)


class Allowed:
    """The dependency of a route that asks for a permission: the signed-in person, or Problem 401, 403 or 429."""

    def __init__(self, what: Permission) -> None:
        self.what = what

    async def __call__(self, person: Annotated[Person, Depends(signed_in)]) -> Person:
        """Whoever is signed in, if they may."""
        if not may(person, self.what):
            who = f"this token (scopes: {', '.join(sorted(person.scopes))}; role {person.role})" if person.scopes else f"role {person.role}"
            detail = f"{who} may not {self.what}: docs/people.md has who may"
            raise Problem(403, "forbidden", "Not yours to do", detail, permission=self.what)
        return person


async def signer(request: Request) -> Person | None:
    """The source that signed the request by Standard Webhooks, which may do nothing but send; None when nobody says so.

    Raises Problem 401 for a signature that is none of the source's.
    """
    if SIGNATURE not in request.headers or "authorization" in request.headers:
        return None
    world, source = request.app.state.world, request.url.path.rpartition("/")[2]
    body = await request.body()
    if not await asyncio.to_thread(world.signers.is_signed, source, request.headers, body):
        world.access.count(request, Whose.ADDRESS, address(request))
        detail = f"no secret of webhooks/{source[:100]} has signed this body within 5 minutes: docs/hooks.md has where secrets stand"
        raise Problem(401, "not_signed", "The signature is not right", detail)
    name = f"webhook:{source}"
    world.access.count(request, Whose.TOKEN, name)
    return Person(id=name, name=source, role=Role.SYSTEM, level=world.city.levels[0], kind="token", scopes=frozenset({Permission.REPORT}))


async def signed_in_or_signed(
    request: Request,
    signed: Annotated[Person | None, Depends(signer)],
    _session: Annotated[str | None, Depends(_cookie)],
    _token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Person:
    """The signer of the request, else whoever is signed in. Raises Problem."""
    if signed is not None:
        return signed
    return await asyncio.to_thread(signed_in, request, _session, _token)


class AllowedOrSigned(Allowed):
    """The same for an address that other systems call, which sign what they send."""

    async def __call__(self, person: Annotated[Person, Depends(signed_in_or_signed)]) -> Person:
        """Whoever asks, if they may."""
        return await super().__call__(person)


def door_of(route: APIRoute) -> Permission | Literal["signed in"] | None:
    """What a route asks for: a permission, that somebody is signed in, or nothing."""
    asked = [each.call for each in route.dependant.dependencies]
    found = [each.what for each in asked if isinstance(each, Allowed)]
    return found[0] if found else "signed in" if signed_in in asked else None


SignedIn = Annotated[Person, Depends(signed_in)]
CanRead = Annotated[Person, Depends(Allowed(Permission.READ))]
CanCommand = Annotated[Person, Depends(Allowed(Permission.COMMAND))]
CanGiveEvidence = Annotated[Person, Depends(Allowed(Permission.EVIDENCE))]
CanExport = Annotated[Person, Depends(Allowed(Permission.EXPORT))]
CanUnseal = Annotated[Person, Depends(Allowed(Permission.UNSEAL))]
CanReport = Annotated[Person, Depends(Allowed(Permission.REPORT))]
CanPosition = Annotated[Person, Depends(Allowed(Permission.POSITION))]
MayReport = Annotated[Person, Depends(AllowedOrSigned(Permission.REPORT))]
CanSilence = Annotated[Person, Depends(Allowed(Permission.SILENCE))]
CanReadJournal = Annotated[Person, Depends(Allowed(Permission.JOURNAL))]

"""What people do with cases: one command, many at once, and what came of one."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from console.access import CanCommand, SignedIn
from console.commands import KEY, MOST_AT_ONCE, Ask, CaseName, Given, Key, Wish
from console.problems import Problem, invalid
from console.wire import NUMBER
from console.world import World
from incidents.vocabulary import State

REVISION = r'^"?\d{1,9}"?$'

IfMatch = Annotated[str | None, Header(pattern=REVISION, description='the case\'s ETag, `"<revision>"`: refused when it has changed since')]
IdempotencyKey = Annotated[str | None, Header(pattern=KEY, description="the same key again is the same command; or say `id` in the body")]


class AskOne(Ask):
    """A command for the case that the address names."""

    id: Key | None = None


class AskMany(Ask):
    """A command for one of many cases."""

    id: Key
    case_id: CaseName
    revision: Annotated[int, Field(ge=0, le=2**31 - 1), NUMBER] | None = Field(None, description="as `If-Match`")


class Many(BaseModel):
    """Commands, at most 200."""

    model_config = ConfigDict(extra="forbid")

    commands: list[AskMany] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Outcome(BaseModel):
    """What one of many came to: `status` as if it had been given alone, `problem` the body it would then have had."""

    command_id: str
    case_id: str
    status: int
    state: State | None = None
    sequence: int | None = None
    revision: int | None = None
    problem: dict[str, Any] | None = None


class Outcomes(BaseModel):
    """In the order of the request."""

    outcomes: list[Outcome]


REFUSED: dict[str, Any] = {
    "description": "the case does not allow it now, or has changed since `If-Match`; says the `reason`, `state`, `revision`, what is "
    "`allowed`, and in `changed` who changed it last: `fact`, `actor`, `at`",
}
PENDING: dict[str, Any] = {"model": Given, "description": "durable, and nobody has answered in time: `Location` says where to look"}


def router(world: World) -> APIRouter:
    """`/api/v1/cases/{id}/commands`, `/api/v1/commands`."""
    area = APIRouter(prefix="/api/v1", tags=["commands"])

    @area.post("/cases/{case_id}/commands", responses={202: PENDING, 409: REFUSED}, summary="Do something with a case")
    async def give_command(
        case_id: Annotated[CaseName, Path()],
        asked: AskOne,
        person: CanCommand,
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Given:
        """Do something with a case; answered with the new state, or with why not.

        The actor is whoever is signed in. The same key with the same body gives the same answer for a day, with another body 422.
        """
        key = idempotency_key or asked.id
        if key is None or (asked.id is not None and asked.id != key):
            raise invalid("say the idempotency key once: in the header Idempotency-Key, or as `id` in the body")
        wish = Wish(case_id, key, _ask(asked), None if if_match is None else int(if_match.strip('"')))
        [found] = await world.commands.give(person, [wish])
        return _one(found, response)

    @area.post("/commands", summary="Do something with many cases")
    async def give_commands(many: Many, person: CanCommand) -> Outcomes:
        """Up to 200 commands, each with an outcome of its own: some may be refused while others are done."""
        wishes = [Wish(each.case_id, each.id, _ask(each), each.revision) for each in many.commands]
        found = await world.commands.give(person, wishes)
        return Outcomes(outcomes=[_outcome(wish, each) for wish, each in zip(wishes, found, strict=True)])

    @area.get("/commands/{command_id}", responses={202: PENDING, 409: REFUSED}, summary="What came of a command")
    async def command_outcome(command_id: Annotated[Key, Path()], person: SignedIn, response: Response) -> Given:
        """What came of a command that this person gave within the last day, by its key; as the command itself would have been answered."""
        return _one(await world.commands.look(person, command_id), response)

    return area


def _ask(asked: Ask) -> Ask:
    """Without what only says where the command goes."""
    return Ask.model_validate(asked.model_dump(exclude={"id", "case_id", "revision"}, exclude_unset=True))


def _one(found: Given | Problem, response: Response) -> Given:
    if isinstance(found, Problem):
        raise found
    if found.state is None:
        response.status_code = 202
        response.headers.update({"Location": f"/api/v1/commands/{found.command_id}", "Retry-After": "1"})
    return found


def _outcome(wish: Wish, found: Given | Problem) -> Outcome:
    if isinstance(found, Problem):
        return Outcome(command_id=wish.key, case_id=wish.case_id, status=found.status_code, problem=found.body())
    return Outcome(status=200 if found.state is not None else 202, **found.model_dump())

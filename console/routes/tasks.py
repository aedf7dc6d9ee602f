"""What waits for the signed-in person: the field page's list, by what runs out first, with why it is theirs and what counts as done."""

from fastapi import APIRouter, Response

from adapters.case_query import Found
from console.access import CanRead
from console.case_page import CasePages
from console.routes.cases import FRESH
from console.views import TaskPage, TaskView
from console.world import World
from incidents.case import Case
from incidents.refusals import ROLES
from incidents.rights import Person, actor_of, scope_of
from incidents.vocabulary import CommandType, Role, State

STATES: dict[Role, tuple[State, ...]] = {
    Role.COLLECTOR: (State.VERIFYING, State.CHECKING),
    Role.ACCEPTOR: (State.HELD, State.REPORTED),
    Role.SHIFT_LEAD: (State.REPORTED, State.CHECKED),
    Role.DISPATCHER: (State.FILED, State.SUSPENDED, State.HANDLING),
    Role.UNIT: (State.DISPATCHED, State.HANDLING),
    Role.CHECKER: (State.CHECKING,),
    Role.ARBITER: (State.FILED,),
}
"""Where a case waits for a post; all others have no tasks of their own."""
BESIDE = frozenset(
    {
        *(CommandType.NOTE, CommandType.RECATEGORISE, CommandType.REMIND, CommandType.ESCALATE, CommandType.ACKNOWLEDGE),
        *(CommandType.TRANSFER, CommandType.MERGE, CommandType.WITHDRAW, CommandType.SUPERVISE),
        *(CommandType.CONFIRM_DUPLICATE, CommandType.REFUSE_DUPLICATE),
    }
)
"""Commands that are possible in every open state: a case that offers nothing else does not wait for this person."""


def router(world: World) -> APIRouter:
    """`/api/v1/tasks`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])
    pages = CasePages(world.city, world.query)

    @area.get("/tasks", summary="What waits for me")
    def tasks(person: CanRead, response: Response) -> TaskPage:
        """Cases of the person's scope that only move on when somebody of their post and party acts; the most urgent first, at most 200."""
        response.headers.update(FRESH)
        found = world.query.tasks(scope_of(person), STATES.get(person.role, ()))
        return TaskPage(tasks=[task for each in found if (task := _task(world, pages, person, each)) is not None])

    return area


def _task(world: World, pages: CasePages, person: Person, found: Found) -> TaskView | None:
    case = Case.model_validate(found.case)
    actions = pages.actions(person, case, world.clock.now())
    if all(each.command in BESIDE for each in actions):
        return None
    rules = world.city.catalogue.get(case.category)
    closing = rules.closing_condition.model_dump() if rules else None
    return TaskView.model_validate({**found.row, "why": _why(person, case), "closing_condition": closing, "actions": actions})


def _why(person: Person, case: Case) -> dict[str, str]:
    """The rule's own reason for a unit; for a post that the case stands in its state."""
    if person.role is Role.UNIT and case.grounds is not None and actor_of(person).unit == case.unit:
        return {"zh": case.grounds.zh, "en": case.grounds.en}
    if person.role is Role.UNIT:
        return {"zh": "派遣员派遣", "en": "a dispatcher's decision"}
    return {"zh": f"由{ROLES[person.role]}处理", "en": f"it waits for the {person.role.replace('_', ' ')}"}

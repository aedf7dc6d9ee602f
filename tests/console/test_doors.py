"""No address of the API without a door: what each asks for, and whom that lets in."""

from typing import Any, cast

import pytest
from fastapi.routing import APIRoute

from console.access import door_of
from console.app import ROUTERS
from console.world import World
from incidents.rights import RIGHTS, Permission
from incidents.vocabulary import Role

OPEN = {("POST", "/api/v1/session")}


class Nowhere:
    """A world in which nothing is asked: routes are only declared."""

    catalogue: dict[str, Any] = {}
    outlines: dict[str, Any] = {}

    def __getattr__(self, name: str) -> "Nowhere":
        return self


ROUTES = {
    (method, route.path): route
    for router in ROUTERS
    for route in router(cast(World, Nowhere())).routes
    if isinstance(route, APIRoute) and route.path.startswith("/api/")
    for method in route.methods or ()
}


@pytest.mark.parametrize("asked", ROUTES, ids=" ".join)
def test_every_address_of_the_api_asks_who_it_is(asked: tuple[str, str]) -> None:
    assert door_of(ROUTES[asked]) is not None or asked in OPEN


def test_every_permission_but_the_command_lines_opens_an_address() -> None:
    assert {door_of(route) for route in ROUTES.values()} == {*Permission, None, "signed in"} - {Permission.ADMIN}


@pytest.mark.parametrize(
    ("asked", "roles"),
    [
        (("POST", "/api/v1/events"), {Role.COLLECTOR, Role.ACCEPTOR, Role.SHIFT_LEAD, Role.DISPATCHER, Role.OPS, Role.SYSTEM}),
        (("POST", "/api/v1/cases/{case_id}/unseal"), {Role.ACCEPTOR, Role.SHIFT_LEAD, Role.DISPATCHER, Role.UNIT}),
        (("GET", "/api/v1/journal"), {Role.AUDITOR}),
        (("GET", "/api/v1/feed"), set(Role) - {Role.RESIDENT, Role.SYSTEM}),
    ],
)
def test_an_address_lets_in_whom_the_table_says(asked: tuple[str, str], roles: set[Role]) -> None:
    assert {role for role in Role if door_of(ROUTES[asked]) in RIGHTS[role]} == roles


@pytest.mark.parametrize("asked", [asked for asked, route in ROUTES.items() if door_of(route) == Permission.READ and asked[0] != "GET"])
def test_who_may_only_read_changes_nothing(asked: tuple[str, str]) -> None:
    """Presence is a word on others' pages for half a minute; a trial of routes answers and forgets."""
    assert asked in {("POST", "/api/v1/cases/{case_id}/presence"), ("POST", "/api/v1/routing:test")}

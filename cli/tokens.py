"""`cityloop tokens`: API tokens of machines and programs."""

from typing import Annotated, Any

import typer

from adapters.tokens import Token
from cli.accounts import AsRole, District, InUnit, Level, Subdistrict, at, at_the_shell, placed
from cli.output import AsJson, out, say, table
from incidents.journal import Kind
from incidents.rights import Permission, Person

Id = Annotated[str, typer.Argument(help="The token's id, as `cityloop tokens list` shows it.")]
Days = Annotated[int, typer.Option(help="How long it lasts, at most 366.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="API tokens of machines and programs (docs/people.md).", no_args_is_help=True)
    for name, command in (("create", create), ("list", listed), ("revoke", revoke), ("rotate", rotate)):
        group.command(name)(command)
    app.add_typer(group, name="tokens")


def create(  # noqa: PLR0913  # an option each
    name: Annotated[str, typer.Argument(help="What it is for, as people read it.")],
    role: AsRole,
    scope: Annotated[list[Permission], typer.Option(help="What it may do, of what its role may; repeatable.")],
    level: Level = None,
    district: District = None,
    subdistrict: Subdistrict = None,
    unit: InUnit = None,
    days: Days = 90,
    as_json: AsJson = False,
) -> None:
    """Create a token and print it: it is not stored and cannot be shown again.

    Machines that only send have the role system: it may report, store pictures and say positions, and sees nothing.

    Example: `cityloop tokens create "camera gateway 3" --role system --scope report --scope evidence`
    """
    with at_the_shell() as desk:
        place = {"district": district, "subdistrict": subdistrict, "unit": unit}
        who = {"id": name, "name": name, "role": role, "level": level or "", "kind": "token", "scopes": scope}
        person = Person.model_validate(who | place)
        identity, token = desk.tokens.create(placed(desk.city, person), days)
        desk.note(Kind.TOKEN, "create", token=identity, role=role, scopes=sorted(scope), **place)
    say(f"token {identity}; keep it now, it cannot be shown again")
    out({"id": identity, "token": token}, as_json, lambda _: token)


def listed(as_json: AsJson = False) -> None:
    """List the tokens: whose, for what, until when, last used.

    Example: `cityloop tokens list`
    """
    with at_the_shell() as desk:
        tokens = [_shown(token) for token in desk.tokens.tokens()]
    columns = ("id", "name", "role", "district", "subdistrict", "unit", "scopes", "ends_at", "used_at", "revoked_at", "follows")
    out(tokens, as_json, lambda rows: table(columns, ([row[column] for column in columns] for row in rows)))


def revoke(identity: Id, as_json: AsJson = False) -> None:
    """End a token; consoles know within a second.

    Example: `cityloop tokens revoke 5f3a09c1d2e4`
    """
    with at_the_shell() as desk:
        desk.tokens.revoke(identity)
        desk.note(Kind.TOKEN, "revoke", token=identity)
    out({"id": identity, "revoked": True}, as_json, lambda _: f"revoked {identity}")


def rotate(
    identity: Id,
    days: Days = 90,
    overlap_hours: Annotated[int, typer.Option(min=0, help="How long the old one works on.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Create a token that replaces another: the same rights, and time to bring it to where it is used.

    Example: `cityloop tokens rotate 5f3a09c1d2e4 --overlap-hours 72`
    """
    with at_the_shell() as desk:
        fresh, token = desk.tokens.rotate(identity, days, overlap_hours)
        desk.note(Kind.TOKEN, "rotate", token=fresh, follows=identity)
    say(f"token {fresh}; {identity} ends within {overlap_hours} h")
    out({"id": fresh, "token": token, "follows": identity}, as_json, lambda _: token)


def _shown(token: Token) -> dict[str, Any]:
    person = token.person
    place = {"role": person.role, "level": person.level, **{name: getattr(person, name) for name in ("district", "subdistrict", "unit")}}
    times = {
        "created_at": at(token.created_at),
        "ends_at": at(token.ends_at),
        "used_at": at(token.used_at),
        "revoked_at": at(token.revoked_at),
    }
    return {"id": token.id, "name": person.name, **place, "scopes": " ".join(sorted(person.scopes)), **times, "follows": token.follows}

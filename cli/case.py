"""`cityloop case show|list|command|export`: one case with its whole story, many in a table, and the way to act on one."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.text import Text

from adapters.case_files import CaseFiles, give, new_command_id
from adapters.clock import EPOCH
from cli import case_story, words
from cli.case_deadline import deadline
from cli.case_story import unit_name
from cli.output import AsJson, out, say, table
from cli.told_reports import reports_of, reports_table
from config.load import load_city
from config.settings import Settings, load_settings
from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Actor, Command, Evidence
from incidents.errors import UserError
from incidents.transitions import BY_COMMAND
from incidents.vocabulary import CommandType, Role, Severity, State

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, e.g. QD-20261121-14YNDD4W6Y.")]


def register(app: typer.Typer) -> None:
    """Adds the group `case`."""
    group = typer.Typer(help="Look at cases, act on one, export one.", no_args_is_help=True)
    group.command("show")(show)
    group.command("list")(list_cases)
    group.command("deadline")(deadline)
    group.command("command")(command)
    group.command("export")(export)
    app.add_typer(group, name="case")


def show(
    case_id: CaseArgument,
    reports: Annotated[bool, typer.Option("--reports", help="Also the reports of the case, with verdict and reason.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Of the reports, what opened the case and the newest; 0 means all.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Show a case: where it stands, who has it and why, its deadlines, and its story fact by fact.

    People's names and numbers are masked; `case export` has them.

    Example: `cityloop case show QD-20261121-14YNDD4W6Y --reports`
    """
    settings = load_settings()
    city = load_city(settings)
    case = _load(settings, case_id)
    answer = _file(settings, case) | (reports_of(settings, city, case, limit) if reports else {})
    answer["case"]["statements"] = [_masked(statement) for statement in answer["case"]["statements"]]
    out(answer, as_json, lambda found: _render(city, case, found))


def list_cases(  # noqa: PLR0913  # a command's options are its parameters
    state: Annotated[State | None, typer.Option(help="Only cases in this state.")] = None,
    district: Annotated[str | None, typer.Option(help="Only cases of this district, by code.")] = None,
    category: Annotated[str | None, typer.Option(help="Only cases of this category, by key.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only cases that are overdue.")] = False,
    stock: Annotated[bool, typer.Option("--stock", help="Only cases that have been suspended for more than 60 days.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0 means all.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List cases by opening time and id, the newest last; ended ones too, until their windows are over.

    Example: `cityloop case list --state handling --overdue --json | jq -r .[].case_id`
    """
    settings = load_settings()
    city = load_city(settings)
    wanted = {"state": state, "district": district, "category": category}
    if category and category not in city.catalogue:
        raise UserError(
            f"unknown category {category!r}; `cityloop check {city.key}` counts them, config/cities/{city.key}/catalogue names them"
        )
    every = list(CaseFiles(settings, say).every())
    now = datetime.now(UTC) if settings.clock == "real" else max((case.told_at or case.opened_at for case in every), default=EPOCH)
    rows = [_line(case) for case in every if (case.overdue or not overdue) and (case.is_stock(now) or not stock)]
    rows = [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())]
    chosen = rows[-limit:] if limit else rows
    head = ["case", "opened", "state", "category", "severity", "district", "unit", "due", "seen"]
    out(chosen, as_json, lambda found: table(head, (_row(city, row) for row in found)))
    say(f"{len(chosen)} of {len(rows)} cases")


def command(  # noqa: PLR0913  # a command's options are its parameters
    case_id: CaseArgument,
    kind: Annotated[CommandType, typer.Argument(metavar="TYPE", help="accept, report_handled, pass_check, … (docs: states and commands).")],
    as_whom: Annotated[str | None, typer.Option("--as", metavar="ROLE:ID[:UNIT]", help="Who acts; default: the role that may.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; required to return, not file, void, fail a check, reopen.")] = None,
    note: Annotated[str | None, typer.Option(help="A remark.")] = None,
    unit: Annotated[str | None, typer.Option(help="The unit to dispatch to, by key.")] = None,
    assisting: Annotated[list[str] | None, typer.Option(help="An assisting unit; may be repeated.")] = None,
    evidence: Annotated[list[str] | None, typer.Option(help="Address of a picture or recording; may be repeated.")] = None,
    condition: Annotated[str | None, typer.Option(help="Filing condition, by key.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Severity to file with.")] = None,
    category: Annotated[str | None, typer.Option(help="New category, by key.")] = None,
    level: Annotated[str | None, typer.Option(help="Level to transfer to.")] = None,
    into: Annotated[str | None, typer.Option(help="Case that takes this one in.")] = None,
    other: Annotated[str | None, typer.Option(help="The other case of a suspected duplicate.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="When a suspension ends, with an offset.")] = None,
    rating: Annotated[int | None, typer.Option(min=1, max=5, help="1 to 5.")] = None,
    upheld: Annotated[bool | None, typer.Option("--upheld/--refused", help="Word on an appeal.")] = None,
    command_id: Annotated[str | None, typer.Option("--id", help="Idempotency key: the same one again returns the first outcome.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the outcome.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Give a command and wait for what it comes to: exit code 0 when accepted, 1 with the reason when refused.

    Example: `cityloop case command QD-20261121-14YNDD4W6Y return --reason "not our road" --as unit:wang:qd-sn-roads`
    """
    settings = load_settings()
    city = load_city(settings)
    given: dict[str, Any] = {
        "reason": reason, "note": note, "unit": unit, "assisting": assisting, "condition": condition, "severity": severity,
        "category": category, "level": level, "into": into, "other": other, "until": until, "rating": rating, "upheld": upheld,
    }  # fmt: skip
    actor = _actor(as_whom) if as_whom else _default_actor(kind, _load(settings, case_id))
    seen = [Evidence(url=url) for url in evidence or ()]
    order = _command({"id": command_id or new_command_id(), "case_id": case_id, "type": kind, "actor": actor, "evidence": seen}, given)
    outcome = asyncio.run(give(settings, city.code, order, wait))
    if outcome is None:
        say(f"{order.id} stands on the log, and nobody answered within {wait:g} s; is a worker running? (`cityloop status`)")
        raise typer.Exit(1)
    answer = {**outcome.model_dump(), "case_id": case_id}
    told = f"{case_id}: {words.both('state', outcome.state or '–')}" if outcome.accepted else f"{case_id}: refused: {outcome.reason}"
    out(answer, as_json, lambda _: told)
    if not outcome.accepted:
        raise typer.Exit(1)


def export(case_id: CaseArgument) -> None:
    """Print everything about a case as one JSON document: the case, its facts as they stand on the log, its reports.

    Personal data is not masked: treat the file as the case itself.

    Example: `cityloop case export QD-20261121-14YNDD4W6Y > case.json`
    """
    settings = load_settings()
    say("personal data in the export is not masked")
    case = _load(settings, case_id)
    answer = _file(settings, case) | reports_of(settings, load_city(settings), case, limit=0)
    out(answer, True, lambda _: "")


def _load(settings: Settings, case_id: str) -> Case:
    case = CaseFiles(settings, say).load(case_id)
    if case is None:
        raise UserError(f"there is no case {case_id} in {settings.city}; `cityloop case list` names the newest, `--limit 0` all")
    return case


def _file(settings: Settings, case: Case) -> dict[str, Any]:
    facts = CaseFiles(settings, say).facts(case.case_id, case.opened_at)
    return {"case": case.model_dump(mode="json"), "facts": [fact.event for fact in facts]}


def _line(case: Case) -> dict[str, Any]:
    names = (
        "case_id",
        "state",
        "category",
        "condition",
        "severity",
        "channel",
        "unit",
        "opened_at",
        "due_at",
        "overdue",
        "sequence",
        "count",
    )
    return {**{name: getattr(case, name) for name in names}, "district": case.place.district, "subdistrict": case.place.subdistrict}


def _row(city: City, row: dict[str, Any]) -> list[Any]:
    kind = city.catalogue.get(row["category"])
    due = f"{words.moment(row['due_at'], city.time_zone)}{' 超期 overdue' if row['overdue'] else ''}" if row["due_at"] else None
    state, name = words.both("state", row["state"]), words.named(kind.name if kind else None, row["category"])
    opened = words.moment(row["opened_at"], city.time_zone)
    return [
        row["case_id"],
        opened,
        state,
        name,
        row["severity"],
        _district(city, row["district"]),
        unit_name(city, row["unit"]),
        due,
        row["count"],
    ]


def _district(city: City, code: str | None) -> str | None:
    return next((f"{each.name.zh} {each.name.en}" for each in city.districts if each.code == code), code)


def _render(city: City, case: Case, answer: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [table(["", ""], _about(city, case)), Text()]
    events = ((event["type"].split(".")[2], event["sequence"], event["data"]) for event in answer["facts"])
    parts.append(table(case_story.HEAD, (case_story.line(city, *event, case.opened_at) for event in events)))
    if "reports" in answer:
        parts += reports_table(answer, city.time_zone)
    return Group(*parts)


def _about(city: City, case: Case) -> list[tuple[str, str | None]]:
    kind, zone = city.catalogue.get(case.category), city.time_zone
    due = ", ".join(f"{each.kind} {words.moment(each.at, zone)}" for each in case.deadlines) or None
    held = ", ".join(f"{who} {ms // 60_000} min" for who, ms in case.held_ms.items())
    links = {"recurs": case.recurs, "series": case.series, "merged into": case.merged_into, "suggested": ", ".join(case.suggested) or None}
    lines = [
        ("案件 case", case.case_id),
        ("状态 state", f"{words.both('state', case.state)} since {words.moment(case.entered_at, zone)}"),
        ("类别 category", " ".join(filter(None, [words.named(kind.name if kind else None, case.category), case.condition, case.severity]))),
        (
            "地点 place",
            " ".join(
                filter(None, [_district(city, case.place.district), case.place.address, f"{case.place.lon:.6f},{case.place.lat:.6f}"])
            ),
        ),
        (
            "发现 seen",
            f"{case.count}× by {len(case.totals)} sources, {words.moment(case.first_seen, zone)} … {words.moment(case.last_seen, zone)}",
        ),
        ("立案缘由 why a case", f"{case.reason} (rules {case.rules})"),
        ("处置部门 unit", f"{unit_name(city, case.unit)} by route {case.route}" if case.unit else None),
        ("派遣依据 why this unit", f"{case.grounds.zh} {case.grounds.en}" if case.grounds else None),
        ("协办 assisting", ", ".join(unit_name(city, key) or key for key in case.assisting) or None),
        ("期限 due", f"{words.moment(case.due_at, zone)}{' 超期 overdue' if case.overdue else ''}" if case.due_at else None),
        ("时钟 deadlines", due),
        ("用时 held by", held or None),
        ("待回复 to answer", ", ".join(each.id for each in case.unanswered) or None),
        (
            "证据 evidence",
            " ".join(each.url or each.sha256 or "?" for each in (*case.evidence, *case.handled_evidence, *case.check_evidence)) or None,
        ),
        *((f"关联 {name}", link) for name, link in links.items()),
        *(("群众 said", f"{each.source}: {each.description or '–'}") for each in case.statements),
    ]
    return [(name, value) for name, value in lines if value]


def _masked(statement: dict[str, Any]) -> dict[str, Any]:
    reporter = statement.get("reporter") or {}
    return {**statement, "reporter": {k: words.masked(v) if isinstance(v, str) else v for k, v in reporter.items()} or None}


def _actor(text: str) -> Actor:
    role, _, rest = text.partition(":")
    name, _, unit = rest.partition(":")
    if role not in list(Role) or not name:
        raise UserError(f"--as {text!r} is nobody; write ROLE:ID or ROLE:ID:UNIT, with ROLE one of {', '.join(Role)}")
    return Actor(id=name, role=Role(role), unit=unit or None)


def _default_actor(kind: CommandType, case: Case) -> Actor:
    """Whoever the state machine lets give the command; of several roles the first, a unit as the case's own."""
    may = {role for row in BY_COMMAND[kind] for role in row.roles}
    role = next((each for each in Role if each in may and each is not Role.SYSTEM), Role.OPS)
    return Actor(id=f"cli:{role}", role=role, unit=case.unit if role is Role.UNIT else None)


def _command(head: dict[str, Any], given: dict[str, Any]) -> Command:
    try:
        return Command.model_validate({**head, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']} ({each['input']!r})" for each in error.errors())
        raise UserError(f"that is no command: {wrong}") from None

"""Facts and commands as CloudEvents in JSON, both ways: the values of `cases.events` and `cases.commands` (ARCHITECTURE.md §2).

A fact is written the same byte for byte whenever the same command is decided again. What cannot be read raises BadCommand with a reason
of the bounded set.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from incidents.case import Case, Fact
from incidents.commands import Command
from incidents.errors import BadCommand, RejectReason
from incidents.events import COMMAND_TYPE
from incidents.vocabulary import FactType

FACT_TYPE = "city.case.{}.v1"
_FACTS = {fact.encode(): fact for fact in FactType}
HEAD = ("case_id", "sequence", "at", "actor", "command_id", "note", "reason")
MOST_BYTES = 3_000_000
_PERSONAL = frozenset({"statements", "statement", "personal", "identity", "description", "note"})

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
_IS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


class _Envelope(BaseModel):
    """What is about a command; `id` is the idempotency key where `data` names none, `time` counts only on a clock of events."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["city.case.command.v1"]
    time: AwareDatetime | None = None
    city: str | None = None


class CommandEvent(_Envelope):
    """The record of a command, its arguments not looked at."""

    data: dict[str, Any]


class _Usual(_Envelope):
    """The record of a command that names its id itself, as ours do: read in one go."""

    data: Command


def encode_command(command: Command, at: datetime, city: str, origin: str) -> bytes:
    """The record's value; its key is the case id. `city` is the city's code, `origin` the stack that gives the command."""
    event = {
        "specversion": "1.0",
        "id": command.id,
        "source": f"/{command.actor.id.replace(':', '/')}",
        "type": COMMAND_TYPE,
        "time": at,
        "datacontenttype": "application/json",
        "city": city,
        "origin": origin,
        "data": command.model_dump(mode="json", exclude_defaults=True),
    }
    return to_json(event)


def decode_command(value: bytes | None, city: str) -> tuple[Command, datetime | None]:
    """The command and the time it states. Raises BadCommand."""
    if value is None:
        raise BadCommand(RejectReason.NULL_VALUE, "a command's value is a CloudEvent in JSON, this record has none")
    if len(value) > MOST_BYTES:
        raise BadCommand(RejectReason.OVERSIZED, f"{len(value)} bytes, at most {MOST_BYTES}")
    try:
        event, command = _read_command(value)
    except ValidationError as error:
        raise _bad(error) from None
    except ValueError as error:
        raise BadCommand(RejectReason.NOT_JSON, str(error)[:300]) from None
    if event.city is not None and event.city != city:
        raise BadCommand(RejectReason.OTHER_CITY, f"city {event.city!r}, this is {city!r}")
    return command, event.time


def _read_command(value: bytes) -> tuple[_Envelope, Command]:
    """In one go (a third of the time); what that refuses is read again, part by part, for the exact reason."""
    try:
        usual = _Usual.model_validate_json(value)
    except ValidationError:
        event = CommandEvent.model_validate(from_json(value))
        command = Command.model_validate({"id": event.id, **event.data})
        _CaseIds.model_validate({"case_id": command.case_id, "into": command.into, "other": command.other})
        return event, command
    command = usual.data
    if not all(_IS_ID(each) for each in (command.case_id, command.into, command.other) if each is not None):
        _CaseIds.model_validate({"case_id": command.case_id, "into": command.into, "other": command.other})
    return usual, command


def refused_id(value: bytes | None) -> str | None:
    """The idempotency key of a record that is no command, as far as it can be made out: whoever waits for it is answered."""
    try:
        event = from_json(value or b"")
        found = event.get("data", {}).get("id", event.get("id"))
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None


class _CaseIds(BaseModel):
    case_id: Id
    into: Id | None
    other: Id | None


def _bad(error: ValidationError) -> BadCommand:
    first: ErrorDetails = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "value"
    missing = first["type"] == "missing"
    shape = first["type"].endswith("_type") and not first["loc"]
    reason = RejectReason.MISSING_FIELD if missing else RejectReason.INVALID_SHAPE if shape else RejectReason.INVALID_VALUE
    held = first["input"]
    hidden = missing or isinstance(held, dict | list) or not _PERSONAL.isdisjoint(first["loc"])  # dead letters repeat nothing personal
    given = "" if hidden else f", it is {str(held)[:200]!r}"
    return BadCommand(reason, f"{field}: {first['msg']}{given}")


def encode_case(case: Case) -> bytes:
    """The value of `cases.latest`, of the hot store, and of the last field of a fact."""
    return case.model_dump_json().encode()


def encode_fact(fact: Fact, case_json: bytes | None = None) -> bytes:
    """The record's value on `cases.events`; its key is the case id. `case_json` is its case as `encode_case` says it, if known already."""
    case = fact.case
    head = {name: getattr(fact, name) for name in HEAD}
    event = {
        "specversion": "1.0",
        "id": f"{fact.case_id}:{fact.sequence}",
        "source": f"/cases/{fact.case_id}",
        "type": FACT_TYPE.format(fact.type),
        "time": fact.at,
        "datacontenttype": "application/json",
        "city": case.city,
        "origin": case.origin,
        "sequence": fact.sequence,
        "data": fact.changes | head,
    }
    return b'%b,"case":%b}}' % (to_json(event)[:-2], case_json or encode_case(case))


_NAMED = re.compile(rb'"type":"city\\.case\\.([a-z_]+)\\.v1"')


def fact_named(value: bytes | None) -> FactType | None:
    """What a record of `cases.events` says, read from its head alone (a hundredth of `decode_fact`); None: decode it to know."""
    found = _NAMED.search(value or b"", 0, 400)
    return _FACTS.get(found[1]) if found else None


def decode_fact(value: bytes | None) -> Fact:
    """The fact behind a record of `cases.events`. Raises BadCommand: whoever reads facts puts it on the dead letters."""
    if value is None:
        raise BadCommand(RejectReason.NULL_VALUE, "a fact's value is a CloudEvent in JSON, this record has none")
    try:
        event = from_json(value)
        data: dict[str, Any] = dict(event["data"])
        head = {name: data.pop(name, None) for name in HEAD}
        case = Case.model_validate(data.pop("case"))
        return Fact(type=FactType(event["type"].split(".")[2]), **head, changes=data, case=case)
    except ValidationError as error:
        raise _bad(error) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadCommand(RejectReason.INVALID_SHAPE, f"no fact: {error!r}"[:300]) from None

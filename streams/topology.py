"""THE MAP: every stage on a report's way, top to bottom, with what it reads and what it writes.

A new stage is a pure decision in `incidents/steps/`, a shell in this package, and a row here. `docs/path.md` is made from this table
(`python -m streams.topology`) and a test holds the two together, as well as every topic's having a writer and a reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from config.topics import (
    ALERTS_UNDELIVERED,
    CASE_COMMANDS,
    CASE_EVENTS,
    CASES_LATEST,
    FATES,
    PRECEDENTS,
    REJECTED,
    REPORTED,
    RULE_SETS,
    TOPICS,
    UNIT_POSITIONS,
    Topic,
)
from incidents.errors import UserError


class Process(StrEnum):
    """Which process runs a role: people must not wait behind the flood in one loop, nor cases behind those who read or are told of them.

    `cityloop worker` runs the first three, `cityloop hooks run` the last.
    """

    FLOOD = "flood"
    CASES = "cases"
    TABLES = "tables"
    HOOKS = "hooks"


@dataclass(frozen=True)
class Stage:
    """One stage; a plain one runs by a command of its own (producers, console, …)."""

    name: str
    does: str
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]


@dataclass(frozen=True, kw_only=True)
class Role(Stage):
    """A stage that `cityloop worker` or `cityloop hooks run` runs; `step` is the module of the pure decision it carries out.

    A role `x` is made by `build_x` of streams/x.py, and only there is that loaded: a process needs what its own roles do, not what all
    of them do (40 MB less for intake, 90 for the worker's parent).
    """

    process: Process
    step: str | None

    @property
    def app(self) -> str:
        """The name of what makes its Faust app, a `streams.worker.Build`."""
        return f"streams.{self.name}:build_{self.name}"


STAGES: tuple[Stage, ...] = (
    Stage("producers", "translate any source into one CloudEvent", (), (REPORTED,)),
    Role(
        "intake",
        "validate, locate, recognise, sift: which case does a report belong to?",
        (REPORTED,),
        (CASE_COMMANDS, FATES, REJECTED),
        process=Process.FLOOD,
        step="incidents.steps.intake",
    ),
    Role(
        "closure",
        "the only writer of a case: apply commands to the state machine, say what happened",
        (CASE_COMMANDS,),
        (CASE_EVENTS, CASES_LATEST, RULE_SETS, REJECTED),
        process=Process.CASES,
        step="incidents.steps.closure",
    ),
    Role(
        "routing",
        "decide units, priority and clock; file and dispatch where the category allows it",
        (CASE_EVENTS, PRECEDENTS),
        (CASE_COMMANDS, PRECEDENTS, REJECTED),
        process=Process.CASES,
        step="incidents.steps.routing",
    ),
    Role(
        "clock",
        "fire due deadlines: remind, escalate, resume",
        (),
        (CASE_COMMANDS,),
        process=Process.CASES,
        step="incidents.steps.escalation",
    ),
    Role(
        "projection",
        "keep the SQL tables, and tell the console's live feed",
        (CASE_EVENTS,),
        (REJECTED,),
        process=Process.TABLES,
        step=None,
    ),
    Role(
        "evaluation",
        "keep every case's flags, from which all indicators are counted",
        (CASE_EVENTS,),
        (),
        process=Process.TABLES,
        step=None,
    ),
    Role(
        "positions",
        "keep where vehicles, drones and crews are",
        (UNIT_POSITIONS,),
        (REJECTED,),
        process=Process.TABLES,
        step=None,
    ),
    Role(
        "hooks",
        "decide who is told what, and deliver it",
        (CASE_EVENTS, CASES_LATEST),
        (ALERTS_UNDELIVERED,),
        process=Process.HOOKS,
        step=None,
    ),
    Stage("units", "departments, people and patrols act on cases (the demo's)", (CASE_EVENTS,), (CASE_COMMANDS, UNIT_POSITIONS)),
    Stage(
        "shell",
        "people act on cases, read dead letters and send them again, look up rules",
        (REJECTED, RULE_SETS),
        (CASE_COMMANDS, REPORTED),
    ),
    Stage("console", "show the city and the audit's figures", (FATES,), ()),
    Stage("rebuild", "fill an empty hot store again from the record", (CASES_LATEST, CASE_EVENTS, CASE_COMMANDS), (FATES,)),
    Stage("indicators", "recompute every figure from the facts, as of any time", (CASE_EVENTS,), ()),
    Stage("audit", "account for every report", (REPORTED, FATES, REJECTED, CASE_EVENTS, CASES_LATEST), ()),
)

FOR_OTHERS = (ALERTS_UNDELIVERED,)
"""Topics that no stage of ours reads: they are for whoever watches the operation."""
WORKER = (Process.FLOOD, Process.CASES, Process.TABLES)
"""What `cityloop worker` runs."""

ROLES = {stage.name: stage for stage in STAGES if isinstance(stage, Role)}
INTAKE = ROLES["intake"]


def roles(names: Sequence[str]) -> tuple[Role, ...]:
    """The roles of these names, in the order of the map. Raises UserError for a name that is none."""
    unknown = [name for name in names if name not in ROLES]
    if unknown or not names:
        raise UserError(f"--only {','.join(names)}: no role {', '.join(map(repr, unknown)) or 'given'}; roles are {','.join(ROLES)}")
    return tuple(role for name, role in ROLES.items() if name in names)


def names_of(process: Process) -> tuple[str, ...]:
    """The roles that this process runs."""
    return tuple(name for name, role in ROLES.items() if role.process is process)


_HEAD = (
    "# The way of a report",
    "",
    "Made from `streams/topology.py` by `python -m streams.topology`; do not edit. Stages with a process are roles of `cityloop worker`,",
    "`hooks` is one of `cityloop hooks run`.",
    "",
)


def page() -> str:
    """The map as docs/path.md."""
    lines = [*_HEAD, "```mermaid", "flowchart TD"]
    for stage in STAGES:
        lines += [f'  {topic.name.replace(".", "_")}[("{topic.name}")] --> {stage.name}' for topic in stage.reads]
        lines += [f'  {stage.name} --> {topic.name.replace(".", "_")}[("{topic.name}")]' for topic in stage.writes]
    lines += ["```", "", "| stage | process | reads | writes | decides in | does |", "|---|---|---|---|---|---|"]
    lines += [_row(stage) for stage in STAGES]
    lines += ["", "| topic | partitions | written by | read by |", "|---|---|---|---|"]
    lines += [f"| `{t.name}` | {t.partitions} | {_stages(t, writing=True)} | {_stages(t, writing=False)} |" for t in TOPICS]
    return "\n".join(lines) + "\n"


def _row(stage: Stage) -> str:
    process, step = (stage.process.value, stage.step) if isinstance(stage, Role) else ("", None)
    return f"| `{stage.name}` | {process} | {_names(stage.reads)} | {_names(stage.writes)} | {f'`{step}`' if step else ''} | {stage.does} |"


def _names(topics: Sequence[Topic]) -> str:
    return ", ".join(f"`{topic.name}`" for topic in topics) or "–"


def _stages(topic: Topic, *, writing: bool) -> str:
    return ", ".join(stage.name for stage in STAGES if topic in (stage.writes if writing else stage.reads)) or "nobody yet"


if __name__ == "__main__":
    print(page(), end="")

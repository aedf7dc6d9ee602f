"""`cityloop topics apply|check`: the topics of the contract on the broker."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from adapters import topics
from cli.output import AsJson, out
from config.settings import load_settings
from config.topics import TOPICS
from incidents.errors import UserError

Partitions = Annotated[
    list[str] | None,
    typer.Option("--partitions", metavar="TOPIC=N", help="Raise a topic to more partitions than the contract has; repeatable."),
]


def register(app: typer.Typer) -> None:
    """Adds the group `topics`."""
    group = typer.Typer(help="Create and check the topics on the broker.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("check")(check)
    app.add_typer(group, name="topics")


def apply(as_json: AsJson = False, partitions: Partitions = None) -> None:
    """Create missing topics, raise partitions, put configurations right; never touches what is fine.

    Partition counts of `cases.*` cannot change once there: then nothing is done to that topic, and the exit code is 2. Those of
    `incidents.reported` may be raised while everything runs; a source's reports then go on in another partition.

    Example: `CITYLOOP_REPLICATION=3 cityloop topics apply`, `cityloop topics apply --partitions incidents.reported=16`
    """
    settings = load_settings()
    changed = topics.apply(settings, _counts(partitions or ()))
    names = sorted({difference.topic for difference in changed})
    out(
        {"changed": changed},
        as_json,
        lambda _: f"put right: {', '.join(names)}" if changed else f"all {len(TOPICS)} topics are as they should be",
    )


def _counts(partitions: Sequence[str]) -> Mapping[str, int]:
    """Topic -> partitions. Raises UserError."""
    found: dict[str, int] = {}
    for each in partitions:
        topic, _, many = each.partition("=")
        if not many.isdecimal():
            raise UserError(f"--partitions {each!r} is not TOPIC=N; for example incidents.reported=16")
        found[topic] = int(many)
    return found


def check(as_json: AsJson = False) -> None:
    """List every difference between the broker's topics and what they should be; exit code 1 when there is one.

    Example: `cityloop topics check --json`
    """
    found = topics.differences(load_settings())
    fine = f"all {len(TOPICS)} topics are as they should be"
    out({"differences": found}, as_json, lambda _: "\n".join(map(str, found)) or fine)
    if found:
        raise typer.Exit(1)

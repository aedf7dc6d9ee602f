"""`cityloop topics apply|check`: the topics of the contract on the broker."""

import typer

from adapters import topics
from cli.output import AsJson, out
from config.settings import load_settings
from config.topics import TOPICS


def register(app: typer.Typer) -> None:
    """Adds the group `topics`."""
    group = typer.Typer(help="Create and check the topics on the broker.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("check")(check)
    app.add_typer(group, name="topics")


def apply(as_json: AsJson = False) -> None:
    """Create missing topics, raise partitions, put configurations right; never touches what is fine.

    Partition counts of `cases.*` cannot change once there: then nothing is done to that topic, and the exit code is 2.

    Example: `CITYLOOP_REPLICATION=3 cityloop topics apply`
    """
    settings = load_settings()
    changed = topics.apply(settings)
    names = sorted({difference.topic for difference in changed})
    out(
        {"changed": changed},
        as_json,
        lambda _: f"put right: {', '.join(names)}" if changed else f"all {len(TOPICS)} topics are as they should be",
    )


def check(as_json: AsJson = False) -> None:
    """List every difference between the broker's topics and what they should be; exit code 1 when there is one.

    Example: `cityloop topics check --json`
    """
    found = topics.differences(load_settings())
    fine = f"all {len(TOPICS)} topics are as they should be"
    out({"differences": found}, as_json, lambda _: "\n".join(map(str, found)) or fine)
    if found:
        raise typer.Exit(1)

"""`cityloop rules list|show|write`: every rule set that ever decided anything here, by the hash that verdicts and cases carry."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters import reader
from adapters.reader import Record
from cli.output import AsJson, out
from config.rule_sets import write_rule_set
from config.settings import Settings, load_settings
from config.topics import RULE_SETS
from incidents.errors import UserError

Hash = Annotated[str, typer.Argument(metavar="HASH", help="As verdicts and cases name it: `rules`; the beginning is enough.")]


def register(app: typer.Typer) -> None:
    """Adds the group `rules`."""
    group = typer.Typer(help="Every rule set that decided anything here, by its hash.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("write")(write)
    app.add_typer(group, name="rules")


def list_(as_json: AsJson = False) -> None:
    """List the rule sets that workers of this stack began to work with, the newest last.

    Example: `cityloop rules list`
    """
    rows = [{"rules": told["rules"], "city": told["city"], "files": len(told["files"])} for told in map(_told, _kept(load_settings()))]
    out({"rule_sets": rows}, as_json, lambda _: "\n".join(f"{row['rules']}  {row['city']}  {row['files']} files" for row in rows))


def show(rules: Hash, as_json: AsJson = False) -> None:
    """Print the files of a rule set.

    Example: `cityloop rules show 3f2a91bc04de`
    """
    told = _told(_one(load_settings(), rules))
    out(told, as_json, lambda _: "\n".join(f"# --- {name}\n{text}" for name, text in told["files"].items()))


def write(rules: Hash, folder: Path) -> None:
    """Put a rule set's files below FOLDER, to decide again what was decided by them.

    Example: `cityloop rules write 3f2a91bc04de then && CITYLOOP_CONFIG_DIR=then cityloop rehearse reports.jsonl`
    """
    home = write_rule_set(_one(load_settings(), rules).value or b"", folder)
    out({"folder": str(home)}, False, lambda _: f"written to {home}; use it with CITYLOOP_CONFIG_DIR={folder}")


def _kept(settings: Settings) -> list[Record]:
    """The last record of each hash, by its place on the topic."""
    name = settings.named(RULE_SETS.name)
    newest = {record.key: record for record in reader.read(settings.kafka_bootstrap, name, reader.spans(settings.kafka_bootstrap, name))}
    return [record for record in newest.values() if record.value]


def _one(settings: Settings, rules: str) -> Record:
    kept = _kept(settings)
    found = [record for record in kept if (record.key or b"").decode().startswith(rules)]
    if len(found) != 1:
        known = ", ".join((record.key or b"").decode() for record in kept) or "none yet: a worker keeps its own when it starts"
        raise UserError(f"{len(found) or 'no'} rule sets begin with {rules!r}; kept are {known}")
    return found[0]


def _told(record: Record) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(record.value or b"{}")
    return told

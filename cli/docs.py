"""Writes the parts of the documentation that follow from the code: `make docs`. A test fails while one of them is out of date.

A part stands between `<!-- made: NAME -->` and `<!-- end -->` in README.md, CONTRIBUTING.md or docs/; the text around it is written by
hand. No command of the command line: this module has nothing to register.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from adapters import metrics
from cli import docs_api
from cli.main import build
from config.load_indicators import load_evaluation
from config.settings import ROOT, Settings
from config.topics import TOPICS, Topic
from handlers.event_schemas import schemas
from incidents import rights
from incidents.flags import FLAGS
from incidents.transitions import TABLE, as_markdown
from incidents.vocabulary import ENDED, FactType, State

PART = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
OPENAPI = ROOT / "docs" / "openapi.json"
EVENTS = ROOT / "docs" / "events"
UNDRAWN = 5
"""A command out of more states than this (merge, transfer, …) would only hide the way in the picture; the table has it."""
UNITS_MS = (("days", 86_400_000), ("hours", 3_600_000))


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of the documentation."""
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def renewed(text: str) -> str:
    """The page with all its made parts as the code has them now. Raises KeyError for a part that nobody makes."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]().strip()}\n{found[3]}", text)


def main() -> int:
    """Renew every page in place, and name those that changed."""
    for page in pages():
        before = page.read_text("utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, "utf-8")
            print(f"renewed {page.relative_to(ROOT)}", file=sys.stderr)
    OPENAPI.write_text(docs_api.as_json(), "utf-8")
    for kind, schema in schemas().items():
        (EVENTS / f"{kind}.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_safe(" ".join(cell.split())).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _safe(text: str) -> str:
    """A viewer would take `<city>` outside of code for HTML, and show nothing."""
    return re.sub(r"(`[^`]*`)|<", lambda found: found[1] or "&lt;", text)


# --- settings, topics, metrics ------------------------------------------------------------------------------------------------


def settings() -> str:
    """Every variable of the environment with its default."""
    rows = [
        (f"`CITYLOOP_{name.upper()}`", _default(field.get_default()), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(["variable", "default", "meaning"], rows)


def _default(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, Path):
        value = f"<project>/{value.relative_to(ROOT)}"
    return f"`{value}`"


def topics() -> str:
    """Every topic with partitions and retention."""
    return _table(["topic", "partitions", "kept", "largest record"], map(_topic, TOPICS))


def _topic(topic: Topic) -> tuple[str, ...]:
    kept = "the newest value of each key (compacted)"
    if topic.config.get("cleanup.policy") != "compact":
        kept = _duration(int(topic.config["retention.ms"]))
    largest = topic.config.get("max.message.bytes")
    return f"`{topic.name}`", str(topic.partitions), kept, f"{int(largest) >> 20} MiB" if largest else "the broker's limit"


def _duration(ms: int) -> str:
    if ms < 0:
        return "for ever"
    name, unit = next((name, unit) for name, unit in UNITS_MS if ms % unit == 0)
    return f"{ms // unit} {name}"


def measures() -> str:
    """Every metric with type, labels and help, in the order of adapters/metrics.py: along the path."""
    found = [each for each in vars(metrics).values() if hasattr(each, "describe") and hasattr(each, "_labelnames")]
    return _table(["metric", "type", "labels", "meaning"], map(_measure, found))


def _measure(metric: Any) -> tuple[str, ...]:
    described = metric.describe()[0]
    name = f"{described.name}_total" if described.type == "counter" else described.name
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # the client has no public way to ask
    return f"`{name}`", described.type, labels or "–", described.documentation


# --- states and facts ---------------------------------------------------------------------------------------------------------


def diagram() -> str:
    """The state machine as a picture: commands that lead from a state to another one."""
    ways: dict[tuple[str, str], list[str]] = {("[*]", "held"): ["sight"], ("[*]", "reported"): ["sight"]}
    for row in TABLE:
        if isinstance(row.to, State) and len(row.starts) <= UNDRAWN:
            for start in (state for state in State if state in row.starts):
                ways.setdefault((start.value, row.to.value), []).append(row.command.value)
    for state in State:
        if state in ENDED:
            ways.setdefault((state.value, "[*]"), []).append("forget")
    lines = [f"    {start} --> {to}: {', '.join(commands)}" for (start, to), commands in ways.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def facts() -> str:
    """Every fact's name."""
    return ", ".join(f"`{fact}`" for fact in FactType)


# --- evaluation ---------------------------------------------------------------------------------------------------------------


def flags() -> str:
    """Every flag with its meaning, in the order of the bits."""
    rows = [(str(at), f"`{flag.key}`", flag.name.zh, flag.name.en, flag.means) for at, flag in enumerate(FLAGS)]
    return _table(["bit", "flag", "", "", "holds when"], rows)


def indicators() -> str:
    """Qingdao's indicators with their rules."""
    evaluation = load_evaluation(Settings(city="qingdao"))
    rows = [(f"`{row.key}`", row.name.zh, row.name.en, f"`{row.rule}`", row.by.value, row.post or "–") for row in evaluation.indicators]
    return _table(["indicator", "", "", "rule", "by", "post"], rows)


# --- the command line ---------------------------------------------------------------------------------------------------------


def overview() -> str:
    """One line per command."""
    rows = [(f"`{name}`", _help(command).split("\n\n")[0].removesuffix(".")) for name, command in _commands()]
    return _table(["command", "what it does"], rows)


def reference() -> str:
    """Every command with its help, arguments and options."""
    return "\n\n".join(_section(name, command) for name, command in _commands())


def _commands() -> Iterator[tuple[str, Any]]:
    """Commands by their full name, sorted; a group only gives its members."""
    group: Any = typer.main.get_command(build())
    yield from sorted(_within("cityloop", group))


def _within(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _within(f"{prefix} {name}", command)
        elif not command.hidden:
            yield f"{prefix} {name}", command


def _help(command: Any) -> str:
    return _safe(str(command.help or "").strip())


def _section(name: str, command: Any) -> str:
    shown = [each for each in command.params if not getattr(each, "hidden", False) and each.name != "help"]
    parts = [f"### `{name}`", _help(command)]
    if shown:
        parts.append(_table(["argument or option", "default", "meaning"], map(_parameter, shown)))
    return "\n\n".join(parts)


def _parameter(each: Any) -> tuple[str, ...]:
    is_argument = each.param_type_name == "argument"
    name = (each.metavar or each.name or "").upper() if is_argument else " / ".join([*each.opts, *each.secondary_opts])
    default = "required" if each.required else "–" if each.default in (None, False, "") or callable(each.default) else f"`{each.default}`"
    return f"`{name}`", default, each.help or ""


def interface() -> str:
    """Every operation of the API."""
    return _table(["operation", "", "answers"], docs_api.operations())


def permissions() -> str:
    """What each permission opens."""
    return _table(["permission", "lets"], [(f"`{each}`", meaning) for each, meaning in rights.MEANS.items()])


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "topics": topics,
    "metrics": measures,
    "states": as_markdown,
    "diagram": diagram,
    "facts": facts,
    "flags": flags,
    "indicators": indicators,
    "overview": overview,
    "commands": reference,
    "rights": rights.as_markdown,
    "permissions": permissions,
    "interface": interface,
}

if __name__ == "__main__":
    sys.exit(main())

"""`cityloop audit`: is every report accounted for? Counted from Kafka alone, beside all that the roles count themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from adapters import accounts, reported
from cli import words
from cli.output import AsJson, out, say, table
from config.settings import Settings, load_settings
from incidents.audit import Account, Cut, balance, together
from incidents.audit_checks import Findings, Result, examine
from incidents.decision import Verdict
from incidents.errors import UserError

FIGURES = ("reported", "opened", "merged", "held", "resent", "rejected", "lost", "pending")
CHECKS = {
    "readable": "记录可读",
    "one_verdict": "一条一判",
    "all_told": "条条有判",
    "sum": "总账相符",
    "opened": "开案与事实相符",
    "first_state": "初始状态相符",
    "dead_letters": "拒收与死信相符",
    "sequences": "事实连续无叉",
    "latest": "案件与事实相符",
    "totals": "案件计数相符",
}

Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds without progress of intake or closure to wait for; 0 takes them as is.")
]
Verdicts = Annotated[
    Path | None, typer.Option("--verdicts", help="Also write a JSONL of every report's source, id, time and case, for `score-truth`.")
]


def register(app: typer.Typer) -> None:
    """Adds `audit`."""
    app.command("audit")(audit)


def audit(as_json: AsJson = False, wait: Wait = 30.0, verdicts: Verdicts = None) -> None:
    """Account for every report, from what stands on Kafka: exit code 0 when exact, 1 otherwise.

    Waits until intake and closure have caught up, takes the reports up to intake's commits as the cut, and requires one verdict for each:
    reported = opened + merged + held + resent + rejected. Then it compares the verdicts with the facts, the dead letters and the cases.

    Example: `cityloop audit`, `cityloop audit --json --wait 0 | jq .checks`
    """
    settings = load_settings()
    findings = accounts.gather(settings, wait, say)
    parts = balance(findings.tally, findings.cuts)
    result = examine(findings, together(parts))
    answer = _answer(findings.cuts, parts, result)
    if verdicts:
        say(f"{_write(settings, findings, verdicts):,} reports written to {verdicts}")
    out(answer, as_json, _render)
    if not answer["exact"]:
        raise typer.Exit(1)


def _answer(cuts: Mapping[int, Cut], parts: Mapping[int, Account], result: Result) -> dict[str, Any]:
    partitions = {
        str(p): {**part.as_dict(), "start": cuts[p].start, "committed": cuts[p].judged.end, "end": cuts[p].end} for p, part in parts.items()
    }
    return {
        **together(parts).as_dict(),
        "released": result.released,
        "untold_lost": result.untold_lost,
        "exact": all(check.ok for check in result.checks),
        "partitions": partitions,
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in result.checks},
    }


def _render(answer: Mapping[str, Any]) -> RenderableType:
    rows = [[name, *(f"{part[key]:,}" for key in FIGURES)] for name, part in answer["partitions"].items()]
    rows.append(["∑", *(f"{answer[key]:,}" for key in FIGURES)])
    sums = table(["分区 Partition", *(words.both("figure", name) for name in FIGURES)], rows)
    checks = table(["", "核对 check", "", ""], [_row(name, check) for name, check in answer["checks"].items()])
    notes = [f"放行 released (held before): {answer['released']:,}"] if answer["held"] else []
    notes += [f"重建时丢失的未报次数 counted, lost untold in a rebuild: {answer['untold_lost']:,}"] if answer["untold_lost"] else []
    verdict = "账目相符 every report is accounted for" if answer["exact"] else "账目不符 NOT every report is accounted for"
    return Group(sums, Text(), checks, *map(Text, notes), Text(), Text(verdict, style="bold green" if answer["exact"] else "bold red"))


def _row(name: str, check: Mapping[str, Any]) -> list[str]:
    return ["✓" if check["ok"] else "✗", CHECKS.get(name, name), name, str(check["detail"])]


def _write(settings: Settings, findings: Findings, path: Path) -> int:
    """One line per judged report but the resent ones, whose first line holds. Raises UserError when the file cannot be written."""
    judged = {partition: cut.judged for partition, cut in findings.cuts.items()}
    written = 0
    try:
        with path.open("wb") as file:
            for record, head in reported.reports(settings, judged):
                case_id, verdict = findings.tally.at(record.partition, record.offset) or (None, Verdict.LOST)
                if verdict is not Verdict.RESENT:
                    line = {"source": head.source, "id": head.id, "time": head.time, "case": case_id}
                    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                    written += 1
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give --verdicts a file in a folder that exists") from None
    return written

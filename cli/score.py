"""`cityloop score-truth`: how well the cases follow the incidents."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson, out
from producers.scoring import Score, score_files


def register(app: typer.Typer) -> None:
    """Adds `score-truth`."""
    app.command("score-truth")(score_truth)


def score_truth(
    reports: Annotated[Path, typer.Argument(help='JSONL of {"source", "id", "time", "case"}: what the system decided.')],
    truth: Annotated[Path, typer.Argument(help='JSONL of {"source", "id", "time", "incident"}, as `simulate --truth` writes it.')],
    as_json: AsJson = False,
) -> None:
    """Pairwise precision and recall of the cases against what was true (files plain or gzip).

    A pair is two reports: precision is the share of pairs joined in one case that belong to one incident, recall the share of pairs of one
    incident that were joined. `case` or `incident` null means: belongs to nothing.

    Example: `cityloop simulate --count 10000 --truth truth.jsonl`, then `cityloop score-truth decided.jsonl truth.jsonl --json`
    """
    out(score_files(reports, truth), as_json, _told)


def _told(score: Score) -> str:
    return (
        f"{score.reports:,} reports, {score.cases:,} cases, {score.incidents:,} incidents\n"
        f"precision {score.precision:.4f} ({score.pairs_both:,} of {score.pairs_joined:,} joined pairs belong together)\n"
        f"recall    {score.recall:.4f} ({score.pairs_both:,} of {score.pairs_true:,} pairs that belong together were joined)\n"
        f"f1        {score.f1:.4f}; left out: {score.unknown:,} not in the truth, {score.untold:,} not decided"
    )

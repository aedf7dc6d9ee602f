"""A city's indicators.toml into an `Evaluation`, checked: every mistake with its line.

The hash over its bytes and the flags it counts is the version of the rules that every figure names. It is not part of the city's own hash:
another way of counting is no other way of deciding.
"""

import hashlib
from pathlib import Path

from config.documents import Document, Problem, Problems, Row, unknown
from config.load import city_folder
from config.settings import Settings
from incidents.errors import ConfigError
from incidents.flags import FLAGS
from incidents.indicators import Anchor, Evaluation, Indicator, ScorePart
from incidents.vocabulary import Role

FILE = "indicators.toml"
FLAG_LISTS = ("numerator", "denominator", "without")


def load_evaluation(settings: Settings) -> Evaluation:
    """The evaluation of the settings' city. Raises ConfigError with every mistake, UserError when there is no such city."""
    evaluation, problems = read_evaluation(city_folder(settings))
    if evaluation is None or problems:
        first, *rest = problems
        raise ConfigError(first.path, first.line, "\n".join([first.message, *map(str, rest)]))
    return evaluation


def read_evaluation(folder: Path) -> tuple[Evaluation | None, list[Problem]]:
    """The evaluation and its mistakes; None when a mistake leaves it without value."""
    problems = Problems()
    document = problems.read(folder / FILE)
    document.only("indicator", "score")
    indicators = [_indicator(document, number, row) for number, row in enumerate(document.rows("indicator"))]
    parts = [document.model(ScorePart, row, "score", number) for number, row in enumerate(document.rows("score"))]
    known = {row.key: row for row in indicators if row}
    for number, part in enumerate(parts):
        if part is not None:
            _check_part(document, number, part, known)
    if problems:
        return None, sorted(set(problems), key=lambda problem: problem.line or 0)
    rows = {"indicators": indicators, "score": parts, "rules": _rules(folder / FILE)}
    return document.model(Evaluation, rows), list(problems)


def _indicator(document: Document, number: int, row: Row) -> Indicator | None:
    lists = {key: [row[key]] if isinstance(row[key], str) else row[key] for key in FLAG_LISTS if key in row}
    indicator = document.model(Indicator, {**row, **lists}, "indicator", number)
    if indicator is None:
        return None
    if any(other.get("key") == indicator.key for other in document.rows("indicator")[:number]):
        document.problem(f"indicator {indicator.key} stands twice", "indicator", number, "key")
    if indicator.post is not None and indicator.post not in set(Role):
        document.problem(unknown(indicator.post, [role.value for role in Role], "post"), "indicator", number, "post")
    return indicator


def _check_part(document: Document, number: int, part: ScorePart, known: dict[str, Indicator]) -> None:
    row = known.get(part.indicator)
    if row is None:
        document.problem(unknown(part.indicator, list(known), "indicator"), "score", number, "indicator")
    elif row.by is not Anchor.DUE or not row.denominator:
        document.problem(f"{part.indicator} is no share by `due`: a score counts what came to be closed", "score", number, "indicator")


def _rules(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for flag in FLAGS:
        digest.update(f"\0{flag.key}\0{flag.means}".encode())
    return digest.hexdigest()[:12]

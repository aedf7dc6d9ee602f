"""How well cases follow incidents: pairwise precision and recall of what the system decided against what was true.

Two reports of one case are a pair that the system joined; two of one incident a pair that belongs together. Precision is the share of
joined pairs that belong together, recall the share of pairs that belong together and were joined. Counted over the contingency table of
cases and incidents, so the time grows with the reports and not with the pairs.

Files, one JSON object a line:
- REPORTS `{"source", "id", "time", "case"}`: what the system decided of a report; `case` null or absent when it belongs to none (rejected,
  held back for good). Other members are ignored. A report that stands twice (a client sent it again) counts once, its last line holds.
- TRUTH `{"source", "id", "time", "incident"}`, as `cityloop simulate --truth` writes it; `incident` null when it belongs to nothing: such a
  report belongs together with no other, so whatever it is joined with lowers the precision.

A report is the same in both files when source, id and the moment of `time` (whatever its offset, to the millisecond) are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from incidents.catalogue import Frozen
from incidents.errors import UserError
from incidents.events import epoch_ms
from producers.tables import InputFile

ReportKey = tuple[str, str, int | str]
"""Source, id, milliseconds of the time (its text where it is none)."""


class Score(Frozen):
    """The figures. `unknown` = reports the system told of and the truth does not name; `untold` = the other way round; both left out."""

    reports: int
    cases: int
    incidents: int
    pairs_joined: int
    pairs_true: int
    pairs_both: int
    precision: float
    recall: float
    f1: float
    unknown: int
    untold: int


def score_files(reports: Path, truth: Path) -> Score:
    """Score two files (JSONL, plain or gzip). Raises UserError naming file and line of the first mistake."""
    return score(dict(_read(reports, "case")), dict(_read(truth, "incident")))


def score(cases: dict[ReportKey, str | None], incidents: dict[ReportKey, str | None]) -> Score:
    """Score what was decided against what was true, over the reports that both know.

    >>> at = {n: ("/cameras/1", str(n), 0) for n in range(4)}
    >>> found = score({at[0]: "A", at[1]: "A", at[2]: "B", at[3]: "B"}, {at[0]: "x", at[1]: "x", at[2]: "x", at[3]: None})
    >>> found.pairs_joined, found.pairs_true, found.pairs_both, found.precision
    (2, 3, 1, 0.5)
    """
    both = cases.keys() & incidents.keys()
    by_case = Counter(cases[key] for key in both)
    by_incident = Counter(incidents[key] for key in both)
    cells = Counter((cases[key], incidents[key]) for key in both)
    joined = _pairs(number for case, number in by_case.items() if case is not None)
    true = _pairs(number for incident, number in by_incident.items() if incident is not None)
    right = _pairs(number for (case, incident), number in cells.items() if case is not None and incident is not None)
    precision = right / joined if joined else 1.0
    recall = right / true if true else 1.0
    return Score(
        reports=len(both),
        cases=sum(case is not None for case in by_case),
        incidents=sum(incident is not None for incident in by_incident),
        pairs_joined=joined,
        pairs_true=true,
        pairs_both=right,
        precision=round(precision, 6),
        recall=round(recall, 6),
        f1=round(2 * precision * recall / (precision + recall), 6) if precision + recall else 0.0,
        unknown=len(cases.keys() - both),
        untold=len(incidents.keys() - both),
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _read(path: Path, label: str) -> Iterator[tuple[ReportKey, str | None]]:
    for line, text in InputFile(path).lines():
        try:
            row: Any = orjson.loads(text)
            yield (row["source"], row["id"], moment(row["time"])), row.get(label)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            wanted = f'{{"source", "id", "time", "{label}"}}'
            raise UserError(f"{path}:{line}: no line of {wanted} but {text[:80]!r} ({error!r})") from None


def moment(time: Any) -> int | str:
    """Milliseconds since 1970 of a time with an offset; the text itself where it is no such time."""
    try:
        at = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return str(time)
    return epoch_ms(at) if at.tzinfo else str(time)

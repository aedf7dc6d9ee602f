"""Pairwise precision and recall, on examples counted by hand and against counting every pair."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.errors import UserError
from producers.base import Truth
from producers.run import truth_line
from producers.scoring import ReportKey, score, score_files

Labels = dict[ReportKey, str | None]


def labelled(labels: str) -> Labels:
    """`"AAB-"`: reports 0 and 1 in A, 2 in B, 3 in none."""
    return {("/s", str(n), 0): None if label == "-" else label for n, label in enumerate(labels)}


@pytest.mark.parametrize(
    ("cases", "incidents", "precision", "recall"),
    [
        ("AAA", "xxx", 1.0, 1.0),
        ("ABC", "xxx", 1.0, 0.0),
        ("AAA", "xyz", 0.0, 1.0),
        ("AABB", "xxxx", 1.0, 2 / 6),
        ("AAAA", "xxyy", 2 / 6, 1.0),
        ("AABB", "xyxy", 0.0, 0.0),
        ("AA--", "xxxx", 1.0, 1 / 6),
        ("AAA-", "xx--", 1 / 3, 1.0),  # a false alarm was joined; another was not
        ("----", "----", 1.0, 1.0),
        ("", "", 1.0, 1.0),
    ],
)
def test_examples_counted_by_hand(cases: str, incidents: str, precision: float, recall: float) -> None:
    found = score(labelled(cases), labelled(incidents))
    assert found.precision == pytest.approx(precision, abs=1e-6)
    assert found.recall == pytest.approx(recall, abs=1e-6)


@given(st.lists(st.tuples(st.sampled_from("ABC-"), st.sampled_from("xyz-")), max_size=30))
def test_the_table_counts_what_counting_every_pair_counts(rows: list[tuple[str, str]]) -> None:
    found = score(labelled("".join(case for case, _ in rows)), labelled("".join(incident for _, incident in rows)))
    joined = {(a, b) for a, b in combinations(range(len(rows)), 2) if rows[a][0] == rows[b][0] != "-"}
    true = {(a, b) for a, b in combinations(range(len(rows)), 2) if rows[a][1] == rows[b][1] != "-"}
    assert (found.pairs_joined, found.pairs_true, found.pairs_both) == (len(joined), len(true), len(joined & true))


def test_reports_that_only_one_side_knows_are_left_out_and_counted() -> None:
    found = score(labelled("AA"), labelled("xxxxx"))
    assert (found.reports, found.unknown, found.untold, found.recall) == (2, 0, 3, 1.0)


def test_files_meet_by_source_id_and_moment_whatever_the_offset(tmp_path: Path) -> None:
    truth, decided = tmp_path / "truth.jsonl", tmp_path / "decided.jsonl"
    truth.write_text("".join(truth_line(Truth("/c", str(n), "2026-11-21T08:15:02.500+08:00", "I-1", "camera")) for n in range(2)))
    rows = [{"source": "/c", "id": str(n), "time": "2026-11-21T00:15:02.500Z", "case": "QD-1"} for n in (0, 1, 1)]
    decided.write_text("\n".join(map(json.dumps, rows)))
    found = score_files(decided, truth)
    assert (found.reports, found.cases, found.incidents, found.recall) == (2, 1, 1, 1.0)


def test_a_line_that_is_no_row_is_told_with_its_number(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"source":"/c","id":"1","time":"2026-11-21T00:15:02Z","case":"A"}\n{"source":"/c"}\n')
    with pytest.raises(UserError, match=r"wrong.jsonl:2: .*case.*'id'"):
        score_files(wrong, wrong)

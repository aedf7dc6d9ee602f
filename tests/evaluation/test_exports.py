"""What leaves the evaluation: statistics records with the names that other systems read, and the bulletin of a month."""

import csv
import json
import re
from pathlib import Path

import orjson
import pytest

from adapters.evaluation_store import Counting, Sheets
from benchmarks.evaluation import MONTH, story
from cli.bulletin import Edition, write
from cli.evaluated import Kept
from cli.stat_info import write_records
from config.load import load_city
from config.settings import Settings
from incidents.errors import UserError
from incidents.indicators import Dimension
from tests.evaluation.stories import evaluation

NAMES = """
address archive_num archive_time cancel_num cell_id cell_name check_num check_trans_num community_id community_name
coordinate_x coordinate_y create_time dispatch_human_id dispatch_num dispose_num district_id district_name
duty_grid_id duty_grid_name event_desc event_grade_id event_grade_name event_level_id event_level_name event_src_id
event_src_name event_state_id event_state_name event_type_code event_type_id event_type_name hang_num his_hang_num
human_archive_num inst_num intime_archive_num intime_check_num intime_dispatch_num intime_dispose_num
intime_human_archive_num intime_inst_num intime_operate_num intime_send_check_num intime_supervise_num
intime_to_archive_num intime_verify_num main_type_id main_type_name multi_rework_num need_archive_num need_check_num
need_dispatch_num need_dispose_num need_human_archive_num need_send_check_num need_supervise_num not_inst_num
not_operate_num operate_time overtime_archive_num overtime_dispose_num overtime_to_archive_num overtime_to_dispose_num
postpone_num rec_id rec_type_id rec_type_name region_code report_num rework_num send_check_num shuffle_num street_id
street_name sub_type_id sub_type_name supervise_num task_num to_archive_num to_dispatch_num to_dispose_num to_inst_num
to_operate_num to_supervise_num verify_num
"""
"""The fields of a statistics record of the system that is used most."""
CITY = load_city(Settings(city="qingdao"))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Sixty cases of Qingdao, every fifth of them still with its unit; one of these comes due in December."""
    sheets = Sheets(tmp_path / "sheets.sqlite", Counting.of(CITY))
    log = [
        value.replace(b"AAAAAAAAAA", f"{number:010d}".encode())
        for number in range(60)
        for value in story(CITY, number)[: 10 if number % 5 else 5]
    ]
    sheets.take(log, {0: len(log)})
    return Kept(sheets, sheets.told_ms())


def test_a_statistics_record_has_exactly_the_fields_that_other_systems_read(kept: Kept, tmp_path: Path) -> None:
    assert write_records(tmp_path / "cases.jsonl", CITY, kept, MONTH) == 60
    records = [orjson.loads(line) for line in (tmp_path / "cases.jsonl").read_bytes().splitlines()]
    assert all(set(record) == set(NAMES.split()) for record in records)
    assert sum(record["archive_num"] for record in records) == 48
    assert sum(record["report_num"] for record in records) == 60
    flags = {name: {record[name] for record in records} for name in NAMES.split() if name.endswith("_num") and name != "task_num"}
    assert all(values <= {0, 1} for values in flags.values())


def test_the_csv_of_statistics_records_says_the_same(kept: Kept, tmp_path: Path) -> None:
    write_records(tmp_path / "cases.csv", CITY, kept, MONTH)
    write_records(tmp_path / "cases.jsonl", CITY, kept, MONTH)
    with (tmp_path / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text("utf-8").splitlines()]
    assert rows == [{name: str(value) for name, value in line.items()} for line in lines]


def test_another_ending_is_refused(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.csv or \.jsonl"):
        write_records(tmp_path / "cases.xlsx", CITY, kept, MONTH)


def _edition(kept: Kept) -> Edition:
    return Edition(CITY, evaluation(), MONTH, kept, kept.tally(MONTH), kept.tally(MONTH.before(), (Dimension.CITY,)))


def test_the_bulletin_is_one_page_in_two_languages_that_needs_nothing_from_elsewhere(kept: Kept, tmp_path: Path) -> None:
    page = write(_edition(kept), tmp_path / "new" / "folder")["html"].read_text("utf-8")
    assert not re.search(r"(src|href)=|https?://|@import|url\(", page)
    for text in (
        "青岛市城市运行综合评价通报",
        "Evaluation bulletin of Qingdao",
        "2026-11",
        "48 / 59",
        "intime_close / need_close",
        "市南区",
        "Shinan",
    ):
        assert text in page, text
    assert evaluation().rules in page


def test_the_csv_has_every_live_series_with_its_rule_and_counts(kept: Kept, tmp_path: Path) -> None:
    edition = _edition(kept)
    with write(edition, tmp_path)["csv"].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(1 for dimension in Dimension for _ in edition.figures(dimension))
    closure = next(row for row in rows if (row["dimension"], row["indicator"]) == ("city", "closure_rate"))
    assert (closure["numerator"], closure["denominator"], closure["rule"]) == ("48", "59", "closed / need_close")
    assert float(closure["rate"]) == round(48 / 59, 6)


def test_names_in_the_bulletin_are_text_and_never_markup(kept: Kept, tmp_path: Path) -> None:
    named = CITY.model_copy(update={"name": CITY.name.model_copy(update={"zh": "<script>alert(1)</script>"})})
    edition = Edition(named, evaluation(), MONTH, kept, kept.tally(MONTH), kept.tally(MONTH.before()))
    assert "<script>" not in write(edition, tmp_path)["html"].read_text("utf-8")

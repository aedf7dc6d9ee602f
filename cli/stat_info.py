"""Statistics records of cases with the field names that evaluation systems in use exchange (to_stat_info), as CSV or JSON lines.

Flags that such a record has and we do not are told by those that mean the same; its numeric ids of other systems' tables are our codes.
Addresses and descriptions stay empty: people's words are no figures. No command of its own.
"""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from cli import words
from cli.evaluated import Evaluated
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.evaluation import Sheet
from incidents.flags import BIT, flags_at
from incidents.indicators import Dimension, Line
from incidents.periods import Period
from incidents.ranking import name_of

FLAG_FIELDS: dict[str, tuple[str, ...]] = {
    "report_num": ("report",),
    "to_operate_num": ("pending",),
    "intime_operate_num": ("intime_accept",),
    "not_operate_num": ("not_accepted",),
    "verify_num": ("need_verify",),
    "intime_verify_num": ("intime_verify",),
    "inst_num": ("filed",),
    "to_inst_num": ("pending",),
    "intime_inst_num": ("filed", "intime_accept"),
    "not_inst_num": ("not_filed",),
    "cancel_num": ("void",),
    "need_dispatch_num": ("filed",),
    "to_dispatch_num": ("to_dispatch",),
    "dispatch_num": ("dispatched",),
    "intime_dispatch_num": ("intime_dispatch",),
    "shuffle_num": ("ping_pong",),
    "need_dispose_num": ("need_handle",),
    "to_dispose_num": ("to_handle",),
    "overtime_to_dispose_num": ("to_handle", "overtime_handle"),
    "dispose_num": ("handled",),
    "intime_dispose_num": ("intime_handle",),
    "overtime_dispose_num": ("handled", "overtime_handle"),
    "need_send_check_num": ("need_check",),
    "send_check_num": ("need_check",),
    "intime_send_check_num": ("intime_check",),
    "need_check_num": ("need_check",),
    "check_num": ("need_archive",),
    "check_trans_num": ("need_archive",),
    "intime_check_num": ("intime_check",),
    "need_archive_num": ("need_close",),
    "to_archive_num": ("open",),
    "intime_to_archive_num": ("open", "intime_handle"),
    "overtime_to_archive_num": ("open", "overtime_handle"),
    "archive_num": ("closed",),
    "intime_archive_num": ("intime_close",),
    "overtime_archive_num": ("overtime_close",),
    "need_human_archive_num": ("closed_by_person",),
    "human_archive_num": ("closed_by_person",),
    "intime_human_archive_num": ("closed_by_person", "intime_archive"),
    "rework_num": ("rework",),
    "multi_rework_num": ("multi_rework",),
    "postpone_num": ("extended",),
    "hang_num": ("suspended",),
    "his_hang_num": ("suspended_ever",),
    "supervise_num": ("supervised",),
    "need_supervise_num": ("supervised",),
    "to_supervise_num": ("supervised", "open"),
    "intime_supervise_num": ("supervised", "intime_close"),
}
"""Field -> the flags of which a case has all."""


def write_records(path: Path, city: City, source: Evaluated, period: Period) -> int:
    """One record per case reported in the period; returns how many. Raises UserError for another ending than .csv or .jsonl."""
    if path.suffix not in (".csv", ".jsonl"):
        raise UserError(f"cannot tell how to write {path}: give it the ending .csv or .jsonl")
    encode = _Csv() if path.suffix == ".csv" else _json_line
    written = 0
    try:
        with path.open("wb") as file:
            for record in _records(city, source, period):
                file.write(encode(record))
                written += 1
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; name a file in a folder that exists") from None
    return written


def _records(city: City, source: Evaluated, period: Period) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(city.time_zone)
    for sheet, case in source.cases():
        if period.first <= case.reported_day <= period.last:
            yield record(city, sheet, case, flags_at(case.standing, source.at_ms), zone)


def record(city: City, sheet: Sheet, case: Line, flags: int, zone: ZoneInfo) -> dict[str, Any]:
    """One case as a statistics record."""
    category = city.catalogue.get(sheet.category)
    domain = next((each for each in city.domains if category and each.key == category.domain), None)
    grade = next((each.grade for each in category.conditions if each.key == sheet.condition), "") if category else ""
    district, street = (name_of(city, dimension, value or "") for dimension, value in _areas(sheet))
    return {
        "rec_id": sheet.case_id,
        "task_num": sheet.case_id,
        "rec_type_id": sheet.channel,
        "rec_type_name": words.both("channel", sheet.channel),
        "event_src_id": sheet.channel,
        "event_src_name": words.both("channel", sheet.channel),
        "event_type_id": category.domain if category else "",
        "event_type_code": category.code[:2] if category else "",
        "event_type_name": domain.name.zh if domain else "",
        "main_type_id": category.code if category else "",
        "main_type_name": domain.name.zh if domain else "",
        "sub_type_id": sheet.category,
        "sub_type_name": category.name.zh if category else sheet.category,
        "event_desc": "",
        "event_level_id": sheet.level,
        "event_level_name": words.both("level", sheet.level),
        "event_grade_id": str(grade),
        "event_grade_name": str(grade),
        "event_state_id": sheet.state,
        "event_state_name": words.both("state", sheet.state),
        "region_code": sheet.district or "",
        "district_id": sheet.district or "",
        "district_name": district.zh if district else "",
        "street_id": sheet.subdistrict or "",
        "street_name": street.zh if street else "",
        "community_id": sheet.community or "",
        "community_name": sheet.community or "",
        "cell_id": sheet.grid or "",
        "cell_name": sheet.grid or "",
        "duty_grid_id": sheet.grid or "",
        "duty_grid_name": sheet.grid or "",
        "address": "",
        "coordinate_x": f"{sheet.lon:.8f}",
        "coordinate_y": f"{sheet.lat:.8f}",
        "create_time": _local(sheet.opened_ms, zone),
        "operate_time": _local(sheet.filed_ms, zone),
        "archive_time": _local(sheet.ended_ms, zone),
        "dispatch_human_id": case.answerable or "",
        **{field: int(all(flags & BIT[flag] for flag in needed)) for field, needed in FLAG_FIELDS.items()},
    }


def _areas(sheet: Sheet) -> tuple[tuple[Dimension, str | None], ...]:
    return (Dimension.DISTRICT, sheet.district), (Dimension.SUBDISTRICT, sheet.subdistrict)


def _local(ms: int | None, zone: ZoneInfo) -> str:
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _json_line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


class _Csv:
    """Lines of a CSV that Excel opens as it is: with its head, and a byte-order mark before it."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, record: dict[str, Any]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        if not self._begun:
            text.write("\ufeff")
            writer.writerow(record)
            self._begun = True
        writer.writerow(record.values())
        return text.getvalue().encode()

"""A rehearsal says what the worker does: the same file through both, report by report and case by case."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.fates import decode_fates
from cli.rehearsal import Wanted, rehearsed
from config.settings import Settings
from config.topics import FATES
from incidents.fates import Flush
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, facts, following, send_raw
from tests.rehearsal.files import morning, written

FIELDS = ("state", "unit", "route", "escalated_to")


def test_a_rehearsal_has_the_verdicts_and_final_states_of_the_worker(
    new_settings: Callable[..., Settings], worker: NewWorker, tmp_path: Path
) -> None:
    settings = new_settings(clock="events")
    reports = morning()
    account, found = rehearsed(settings, Wanted([written(tmp_path / "morning.jsonl", reports)], None, None))
    expected = {case_id: tuple(getattr(story, field) for field in FIELDS) for case_id, story in account.stories.items()}
    assert found.escalations

    worker(settings)
    records = [(b"one partition, the order of the file", json.dumps(each).encode()) for each in reports]
    stands = {(each.partition, each.offset): at for at, each in enumerate(send_raw(settings, records))}
    said = _fates(settings, len(reports))
    verdicts = {stands[place]: verdict for place, verdict in said.items()}
    cases = [None if number < 0 else account.ids[number] for number in account.case_of]
    assert [verdicts[at][0] for at in range(len(reports))] == cases
    rules = [re.sub(r"^held \d+/\d+ ", "", verdicts[at][1]).split()[0] for at in range(len(reports))]
    assert [rule for rule in rules if rule != "unknown_category"] == [rule for rule in account.rule_of if rule != "rejected"]
    facts(settings, lambda seen: _states(seen) == expected, timeout=60)


def _fates(settings: Settings, many: int) -> dict[tuple[int, int], tuple[str | None, str]]:
    """Where a report stands → its case and the reason of its verdict."""
    told: dict[tuple[int, int], tuple[str | None, str]] = {}
    with following(settings, FATES.name) as records:
        for record in records(30):
            flush = decode_fates(record.value) if record is not None else None
            if isinstance(flush, Flush):
                told |= {(flush.partition, offset): (fate.case_id, fate.reason) for fate in flush.fates for offset in fate.offsets}
            if len(told) == many:
                return told
    raise AssertionError(f"fates of {many} reports did not come: {json.dumps(list(told.values()))}")


def _states(seen: list[Json]) -> dict[str, tuple[Any, ...]]:
    return {each["data"]["case_id"]: tuple(each["data"]["case"][field] for field in FIELDS) for each in seen}

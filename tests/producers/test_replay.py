"""A replay gives every row of a file once, in order, whatever its wrapping; what is wrong is told with file, line and column."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from config.mappings import load_mapping
from config.settings import ROOT
from incidents.errors import UserError
from incidents.mapping import Mapping
from producers.base import Item
from producers.sources.replay import Replay

HEADER = (
    "case_enquiry_id,open_dt,target_dt,closed_dt,case_status,subject,reason,type,department,neighborhood,ward,"
    "location_street_name,latitude,longitude,source"
)


def a_row(number: int, **changes: str) -> str:
    values = {name: "" for name in HEADER.split(",")} | {
        "case_enquiry_id": str(number),
        "open_dt": "01/01/2015 12:20:09 AM",
        "type": "Sign Repair",
        "latitude": "42.3574",
        "longitude": "-71.0648",
        "source": "Constituent Call",
        "location_street_name": '"33, Beacon St"',
    }
    return ",".join((values | changes).values())


@pytest.fixture
def boston() -> Mapping:
    return load_mapping("boston", ROOT / "config", "boston")


@pytest.fixture
def replay(tmp_path: Path, boston: Mapping) -> Callable[..., Replay]:
    def made(content: bytes | str, name: str = "f.csv", mapping: Mapping | None = boston) -> Replay:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Replay(path, mapping, "BOS", "boston")

    return made


def ids(items: list[Item]) -> list[str]:
    return [json.loads(item.value or b"{}")["id"] for item in items]


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "bom"])
def test_a_csv_gives_each_row_once_in_order(replay: Callable[..., Replay], wrap: Callable[[bytes], bytes], end: str, bom: str) -> None:
    text = bom + end.join([HEADER, *(a_row(n) for n in range(50))]) + end
    source = replay(wrap(text.encode()))
    items = list(source.items())
    assert ids(items) == [str(n) for n in range(50)]
    assert items[0].key == b"/boston311/constituent_call/unknown"
    assert items[0].due_ms == 1420089609000
    assert (source.problem_count, source.left_out) == (0, 0)


def test_a_quoted_value_may_hold_commas_and_line_ends(replay: Callable[..., Replay]) -> None:
    text = "\n".join([HEADER, a_row(1, location_street_name='"1 Main\nSt, rear"'), a_row(2)])
    first, second = (json.loads(item.value or b"") for item in replay(text).items())
    assert first["data"]["address"] == "1 Main\nSt, rear"
    assert second["id"] == "2"


def test_a_row_that_cannot_be_translated_is_sent_and_told_with_line_and_column(replay: Callable[..., Replay]) -> None:
    source = replay("\n".join([HEADER, a_row(1), a_row(2, longitude="west"), a_row(3, open_dt="noon")]))
    assert ids(list(source.items())) == ["1", "2", "3"]
    assert [problem.split("f.csv")[1] for problem in source.problems] == [
        ":3: column 'longitude': location.lon 'west' is not a number",
        ":4: column 'open_dt': time 'noon' is not written as '%m/%d/%Y %I:%M:%S %p'",
    ]


def test_a_row_without_an_id_is_left_out_and_told(replay: Callable[..., Replay]) -> None:
    source = replay("\n".join([HEADER, a_row(1), a_row(2, case_enquiry_id="")]))
    assert ids(list(source.items())) == ["1"]
    assert source.left_out == source.problem_count == 1


def test_short_rows_long_rows_and_bytes_that_are_not_utf8_are_no_end(replay: Callable[..., Replay]) -> None:
    lines = [
        HEADER.encode(),
        a_row(1).encode() + b",surplus",
        b"2,01/01/2015 12:20:09 AM",
        a_row(3, ward="\udcff").encode("utf-8", "surrogateescape"),
    ]
    assert ids(list(replay(b"\n".join(lines)).items())) == ["1", "2", "3"]


def test_a_missing_column_is_told_with_those_that_were_found(replay: Callable[..., Replay]) -> None:
    with pytest.raises(UserError, match=r"no column 'open_dt'.*found: .*opened"):
        list(replay(HEADER.replace("open_dt", "opened") + "\n").items())


def test_a_broken_gzip_gives_what_was_whole_and_then_a_message(replay: Callable[..., Replay]) -> None:
    text = "\n".join([HEADER, *(a_row(n) for n in range(20_000))])
    source = replay(gzip.compress(text.encode())[:-5000])
    seen: list[Item] = []
    with pytest.raises(UserError, match="after line"):
        seen.extend(item for item in source.items())
    assert seen == [] or len(seen) < 20_000


def test_cloudevents_pass_through_byte_for_byte(replay: Callable[..., Replay]) -> None:
    lines = [
        b'{"specversion": "1.0",  "id":"a","source":"/x","time":"2015-01-01T00:00:00Z"}',
        b"not json",
        b"[1]",
        b'{"id":"b"}',
        b'{"specversion":"\xff"}',
    ]
    source = replay(b"\n".join(lines) + b"\n\n", "f.jsonl", None)
    items = list(source.items())
    assert [item.value for item in items] == lines
    assert (items[0].key, items[0].due_ms) == (b"/x", 1420070400000)
    assert source.problem_count == 4


def test_jsonl_of_foreign_objects_goes_through_the_mapping(replay: Callable[..., Replay]) -> None:
    foreign = dict(zip(HEADER.split(","), a_row(5).replace('"', "").split(","), strict=False))
    items = list(replay(json.dumps(foreign), "f.jsonl").items())
    assert ids(items) == ["5"]


def test_a_csv_without_a_mapping_is_a_mistake_told_at_once(replay: Callable[..., Replay]) -> None:
    with pytest.raises(UserError, match="--mapping"):
        replay(HEADER, mapping=None)


def test_a_file_that_is_not_there_is_a_users_mistake(tmp_path: Path, boston: Mapping) -> None:
    with pytest.raises(UserError, match="cannot read"):
        list(Replay(tmp_path / "none.csv", boston, "BOS", "boston").items())


def test_the_progress_of_a_file_rises_to_its_end(replay: Callable[..., Replay]) -> None:
    source = replay("\n".join([HEADER, *(a_row(n) for n in range(5000))]))
    seen = [source.progress() or 0.0 for _ in source.items()]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_order_of_the_hotline_keeps_its_words_its_caller_and_its_number(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "工单编号,受理坐席,来电时间,问题类型,诉求内容,事发地址,经度,纬度,来电人,来电号码\n"
        "QD001,07,2026-11-21 08:15:02,道路遗撒,路上有渣土,香港中路1号,120.3872,36.0674,王女士,10000000000\n"
    )
    mapping = load_mapping("hotline12345", ROOT / "config", "qingdao")
    [item] = Replay(path, mapping, "QD", "qingdao").items()
    report = json.loads(item.value or b"")
    assert (report["source"], report["time"]) == ("/hotline/12345/07", "2026-11-21T08:15:02+08:00")
    assert report["data"]["category"] == "road_spillage"
    assert report["data"]["location"] == {"lon": 120.3872, "lat": 36.0674, "datum": "gcj02", "accuracy_m": 100}
    assert report["data"]["external"] == {"number": "QD001", "system": "12345"}

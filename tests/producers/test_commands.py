"""The commands of producers: data on stdout, words on stderr, exit codes, no traceback for a person's mistake."""

import json
from pathlib import Path

import pytest

from cli.main import run
from config.load import city_folder, load_folder
from config.mappings import load_mapping
from config.settings import ROOT, Settings
from producers.scoring import score_files
from producers.sources.replay import Replay

BOSTON = ROOT.parent / "shared" / "data" / "boston_311_2015_jan_aug.csv.gz"
START = ["--start", "2026-11-21T10:00+08:00"]


def simulate(out: Path, *more: str) -> int:
    return run(["simulate", "--cameras", "100", "--count", "500", *START, "--out", str(out), *more])


def test_a_simulation_into_a_file_is_the_same_every_time_and_knows_its_truth(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, two, truth = tmp_path / "1.jsonl", tmp_path / "2.jsonl", tmp_path / "truth.jsonl"
    assert simulate(one, "--truth", str(truth), "--json") == simulate(two) == 0
    assert one.read_bytes() == two.read_bytes()
    assert len(truth.read_text().splitlines()) == 500
    told, said = capfd.readouterr()
    assert json.loads(told)["durable"] == 500
    assert "500 sent to" in said


def test_what_was_simulated_can_be_replayed_byte_for_byte(tmp_path: Path) -> None:
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    assert simulate(one) == 0
    assert run(["replay", str(one), "--out", str(two)]) == 0
    assert one.read_bytes() == two.read_bytes()


def test_the_truth_scores_itself_as_perfect(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    truth, decided = tmp_path / "truth.jsonl", tmp_path / "decided.jsonl"
    simulate(tmp_path / "out.jsonl", "--truth", str(truth))
    decided.write_text(truth.read_text().replace('"incident"', '"case"'))
    capfd.readouterr()
    assert run(["score-truth", str(decided), str(truth), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["reports"], found["precision"], found["recall"]) == (500, 1.0, 1.0)
    assert score_files(decided, truth).incidents == found["incidents"] > 5


def test_any_kind_of_source_is_run_by_its_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.jsonl"
    options = ["cameras=50", "start=2026-11-21T10:00+08:00"]
    assert run(["produce", "simulate", *options, "--limit", "20", "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 20
    assert run(["produce", "--json"]) == 0
    assert {"replay", "simulate"} <= {row["kind"] for row in json.loads(capfd.readouterr().out)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "--cameras", "0"], "cameras = 0"),
        (["simulate", "--start", "soon"], "start = 'soon'"),
        (["simulate", "--start", "2026-11-21T10:00"], "timezone"),
        (["simulate", "--bad", "1.5"], "bad = 1.5"),
        (["simulate", "--speed", "fast", "--out", "x"], "unknown speed 'fast'"),
        (["simulate", "--count", "1", "--out", "/no/such/folder/f"], "/no/such/folder/f"),
        (["simulate", "--count", "1", "--out", "/dev/null", "--truth", "/no/such/folder/f"], "/no/such/folder/f"),
        (["replay", "none.csv", "--mapping", "none"], "no mapping 'none'"),
        (["replay", "none.csv", "--mapping", "hotline12345", "--out", "/dev/null"], "none.csv"),
        (["replay", "none.csv"], "--mapping"),
        (["produce", "nothing"], "no kind of source 'nothing'"),
        (["produce", "replay", "file"], "'file'"),
        (["produce", "replay", "colour=red"], "colour"),
        (["score-truth", "none.jsonl", "none.jsonl"], "none.jsonl"),
    ],
)
def test_a_persons_mistake_is_one_message_and_exit_code_2(arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    said = capfd.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.skipif(not BOSTON.exists(), reason="the shared data are not here")
def test_every_request_of_boston_is_a_report_of_a_known_category() -> None:
    settings = Settings(city="boston")
    city = load_folder(city_folder(settings))
    source = Replay(BOSTON, load_mapping("boston", settings.config_dir, "boston"), city.code, city.key)
    reports = [json.loads(item.value or b"") for item in source.items()]
    assert (len(reports), source.problem_count, source.left_out) == (81_408, 0, 0)
    assert {report["data"]["category"] for report in reports} <= set(city.catalogue)
    bounds = city.bounds
    for report in reports:
        where = report["data"]["location"]
        assert bounds.west <= where["lon"] <= bounds.east
        assert bounds.south <= where["lat"] <= bounds.north

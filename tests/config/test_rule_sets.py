"""A rule set is kept under the hash that verdicts carry, and can be put back to decide again what was decided by it."""

import json
from pathlib import Path

import pytest

from config.load import load_city
from config.rule_sets import encode_rule_set, hash_of, rule_files, write_rule_set
from config.settings import ROOT, Settings
from incidents.errors import UserError

QINGDAO = ROOT / "config" / "cities" / "qingdao"


def test_a_set_written_back_is_the_same_city_with_the_same_hash(tmp_path: Path) -> None:
    """What decides is in the record, to the byte."""
    city = load_city(Settings())
    value = encode_rule_set("qingdao", rule_files(QINGDAO))
    home = write_rule_set(value, tmp_path)
    again = load_city(Settings(config_dir=tmp_path))
    assert home == tmp_path / "cities" / "qingdao"
    assert again.rules == city.rules == hash_of(rule_files(QINGDAO)) == json.loads(value)["rules"]
    assert again == city


def test_a_folder_that_has_the_city_is_left_alone(tmp_path: Path) -> None:
    """Nobody's rules are overwritten."""
    value = encode_rule_set("qingdao", rule_files(QINGDAO))
    write_rule_set(value, tmp_path)
    with pytest.raises(UserError, match="is there already"):
        write_rule_set(value, tmp_path)


@pytest.mark.parametrize("change", [{"rules": "000000000000"}, {"files": {"../../city.toml": "x"}}])
def test_a_record_that_somebody_changed_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    """A hash that does not fit, or a file that would land elsewhere."""
    told = json.loads(encode_rule_set("qingdao", rule_files(QINGDAO))) | change
    with pytest.raises(UserError, match="somebody changed the record"):
        write_rule_set(json.dumps(told).encode(), tmp_path)
    assert not list(tmp_path.iterdir())

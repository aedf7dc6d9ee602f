"""`cityloop deadletters`: what could not be used, as it came, and once more."""

import base64

import pytest

from adapters import reader
from adapters.bus import Out
from config.settings import Settings
from config.topics import REJECTED, REPORTED
from tests.audit.records import History, publish
from tests.cli.conftest import Cityloop

pytestmark = pytest.mark.stack


def test_they_are_listed_with_place_and_reason_and_without_contents(cityloop: Cityloop, history: History) -> None:
    code, letters, said = cityloop("deadletters", "list", "--json")
    assert (code, len(letters)) == (0, 1)
    assert (letters[0]["at"], letters[0]["error-reason"], letters[0]["origin-offset"], letters[0]["bytes"]) == ("0:0", "not_json", "5", 1)
    assert "1 of 1 dead letters: not_json 1" in said
    assert history.a not in said


def test_only_those_of_a_reason_are_listed_when_one_is_named(cityloop: Cityloop, history: History) -> None:
    code, letters, _ = cityloop("deadletters", "list", "--reason", "bad_plate", "--json")
    assert (code, letters) == (0, [])


def test_one_is_shown_with_its_original_bytes(cityloop: Cityloop, history: History) -> None:
    code, letter, said = cityloop("deadletters", "show", "0:0", "--json")
    assert (code, letter["key"], letter["value"]) == (0, "/cameras/9", "{")
    assert "not masked" in said


def test_bytes_that_are_no_text_are_shown_in_base64(cityloop: Cityloop, settings: Settings) -> None:
    publish(settings, [Out(settings.named(REJECTED.name), b"k", b"\xff\xfe", (("error-reason", b"not_json"),), 1)])
    code, letter, _ = cityloop("deadletters", "show", "1:0", "--json")
    assert (code, base64.b64decode(letter["value_base64"])) == (0, b"\xff\xfe")


def test_resubmitting_needs_a_yes_and_sends_the_original_bytes_and_key(cityloop: Cityloop, history: History, settings: Settings) -> None:
    topic = settings.named(REPORTED.name)
    before = sum(span.end for span in reader.spans(settings.kafka_bootstrap, topic).values())
    code, _, said = cityloop("deadletters", "resubmit", "0:0")
    assert code == 2 and "--yes" in said
    assert cityloop("deadletters", "resubmit", "0:0", "--yes")[0] == 0
    records = list(reader.read(settings.kafka_bootstrap, topic, reader.spans(settings.kafka_bootstrap, topic)))
    assert len(records) == before + 1
    assert [record.value for record in records if record.key == b"/cameras/9"] == [b"{", b"{"]


@pytest.mark.parametrize(("place", "says"), [("x", "PARTITION:OFFSET"), ("0:99", "no record 0:99"), ("7:0", "no partition 7")])
def test_a_wrong_place_is_a_persons_mistake(cityloop: Cityloop, history: History, place: str, says: str) -> None:
    code, _, said = cityloop("deadletters", "show", place)
    assert code == 2 and says in said

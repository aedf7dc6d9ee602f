"""CAP 1.2: valid by OASIS' own schema whatever the notice, and saying of a case what civil protection needs to hear."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from handlers.channel import channels
from incidents.notices import Notice, digest_of
from tests.handlers.channels.notices import AT, alert, fact, notice, operational, sent, target

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parent / "oasis" / "cap12.xsd"))
SAFE = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SENDER = "ops.city.example"

texts = st.text(max_size=40)


def said(told: Notice, **options: Any) -> Any:
    """The document, which is valid."""
    body = sent("cap", told, target("cap", url="https://cap.example.com/in", sender=SENDER, **options)).body
    document = etree.fromstring(body, SAFE)
    SCHEMA.assertValid(document)
    return document


def word(document: Any, path: str) -> str | None:
    found = document.findtext(CAP + path.replace("/", f"/{CAP}"))
    return None if found is None else str(found)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "told",
    [notice(), notice(alert(ended=True)), notice(alert(1), alert(2)), fact(), fact("filed"), operational(), notice(drill=True)],
    ids=["first", "resolved", "several", "fact", "filed", "operational", "drill"],
)
def test_every_notice_is_valid_by_oasis_schema(told: Notice, language: str) -> None:
    said(told, language=language)


@settings(deadline=None)
@given(texts, texts, texts, st.sampled_from(["emergency", "major", "normal", "minor", "", "unheard"]))
def test_whatever_a_case_says_the_document_is_valid(address: str, category: str, unit: str, severity: str) -> None:
    said(notice(alert(labels={"category": category, "severity": severity}, address=address, unit=unit, due_at=address)))


def test_the_first_message_of_a_case_has_its_id_and_later_ones_refer_to_it() -> None:
    first, later, last = said(notice()), said(fact()), said(notice(alert(ended=True), reason="all resolved"))
    assert [word(each, "msgType") for each in (first, later, last)] == ["Alert", "Update", "Cancel"]
    reference = ",".join(str(word(first, name)) for name in ("sender", "identifier", "sent"))
    assert reference == f"{SENDER},QD-20261123-000001,2026-11-24T02:30:05+08:00"
    assert word(later, "references") == word(last, "references") == reference
    assert word(later, "identifier") != word(first, "identifier")


def test_a_drill_is_an_exercise() -> None:
    assert word(said(notice(drill=True)), "status") == "Exercise"
    assert word(said(notice()), "status") == "Actual"
    assert word(said(operational()), "status") == "System"


@pytest.mark.parametrize(
    ("severity", "cap", "urgency"),
    [
        ("emergency", "Extreme", "Immediate"),
        ("major", "Severe", "Immediate"),
        ("normal", "Moderate", "Expected"),
        ("minor", "Minor", "Future"),
    ],
)
def test_severity_and_urgency_are_in_caps_words(severity: str, cap: str, urgency: str) -> None:
    document = said(notice(alert(labels={"severity": severity})))
    assert (word(document, "info/severity"), word(document, "info/urgency")) == (cap, urgency)


def test_the_place_has_latitude_first_and_its_codes() -> None:
    area = said(notice()).find(f"{CAP}info/{CAP}area")
    assert area.findtext(f"{CAP}circle") == "36.06,120.38 0.1"
    assert area.findtext(f"{CAP}areaDesc") == "市南区香港中路街道香港中路10号3号楼"
    assert [each.text for each in area.iter(f"{CAP}value")] == ["370202", "370202001"]


def test_a_case_that_ended_is_past_and_all_clear() -> None:
    document = said(notice(alert(ended=True)))
    assert (word(document, "info/urgency"), word(document, "info/responseType")) == ("Past", "AllClear")


def test_several_cases_are_several_infos_and_incidents() -> None:
    document = said(digest_of([notice(), notice(alert(2), id="n_2")]))
    assert len(document.findall(f"{CAP}info")) == 2
    assert word(document, "incidents") == "QD-20261123-000001 QD-20261123-000002"


def test_many_cases_stay_below_the_limit() -> None:
    told = notice(*(alert(number, address="路" * 100) for number in range(300)))
    outgoing = sent("cap", told, target("cap", url="https://x.example", sender=SENDER))
    assert len(outgoing.body) <= channels()["cap"].most_bytes
    SCHEMA.assertValid(etree.fromstring(outgoing.body, SAFE))


def test_a_secret_signs_it() -> None:
    outgoing = sent("cap", notice(), target("cap", ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",), url="https://x.example", sender=SENDER), AT)
    assert outgoing.headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize("sender", ["a b", "a,b", "a<b", ""])
def test_a_sender_that_cap_does_not_allow_is_said_when_it_is_loaded(sender: str) -> None:
    with pytest.raises(ValidationError):
        target("cap", url="https://x.example", sender=sender)

"""Nothing of a household leaves: a case full of personal data becomes an alert, and no byte of that data is in any body of any channel."""

import base64
import email
import quopri
import re
from datetime import timedelta
from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_folder
from handlers.channel import Outgoing, channels
from incidents.alerts import alert_of
from incidents.case import Case
from incidents.commands import Actor, Identity, Personal, Place, Statement
from incidents.notices import Alert, Notice, digest_of
from incidents.public_address import public_address
from incidents.vocabulary import Channel, Match, Role, Severity, State
from tests.handlers.channels.notices import AT, QINGDAO, notice, sent, target

CITY = load_folder(QINGDAO)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROBOT = "https://robot.example.com/send?key=k"
TARGETS = [
    target("webhook", (SECRET,), url="https://x.example"),
    target("alertmanager", url="https://x.example"),
    target("cloudevents", url="https://x.example", mode="structured"),
    target("cloudevents", url="https://x.example", mode="binary"),
    *(target("cap", url="https://x.example", sender="s", language=language) for language in ("zh", "en")),
    *(target(kind, (ROBOT,), language=language) for kind in ("dingtalk", "wecom", "feishu") for language in ("zh", "en")),
    *(target(kind, url="https://x.example", to="10000", most=1000) for kind in ("sms", "voice")),
    target("email", host="h", sender="a@b.example", to="c@d.example"),
]
"""Of every kind."""

surname = st.sampled_from("赵钱孙李周吴郑王欧阳")
tokens = st.text(alphabet="abcdefghkmnpqrstuvwxyz", min_size=12, max_size=16)
phones = st.integers(13_000_000_000, 19_999_999_999).map(str)
plates = st.from_regex(r"鲁[BU][A-HJ-NP-Z0-9]{5}", fullmatch=True)
rooms = st.tuples(st.integers(1, 9), st.integers(101, 3299))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Case, list[str]]:
    """A filed case, and everything in it that is nobody's business outside."""
    phone, plate, name = draw(phones), draw(plates), draw(surname) + draw(tokens)
    words, note, external, floor = (draw(tokens) for _ in range(4))
    unit, room = draw(rooms)
    household = draw(st.sampled_from(["{b}单元{r}室{n}", " {b}-{u}-{r} {n}", " Room {r}, {n}", "{r}室 电话{p}", "，{n}女士{p}"]))
    address = "香港中路10号3号楼" + household.format(b=unit, u=unit, r=room, n=name, p=phone)
    statement = Statement(
        source="hotline/12345",
        id="r1",
        time=AT,
        channel=Channel.HOTLINE,
        description=words,
        reporter={"name": name, "phone": phone},
        external={"ticket": external},
    )
    case = Case(
        case_id="QD-20261123-000007",
        city="qingdao",
        origin="o",
        state=draw(st.sampled_from([State.FILED, State.DISPATCHED, State.HANDLING, State.SUSPENDED, State.CLOSED])),
        category="littering_from_height",
        channel=Channel.HOTLINE,
        severity=draw(st.sampled_from(Severity)),
        source="hotline/12345",
        report_id="r1",
        place=Place(lon=120.38, lat=36.06, accuracy_m=20, address=address, district="370202", subdistrict="370202001"),
        identity=Identity(kind=Match.PLATE, value=plate),
        description=words,
        attributes={"note": note},
        statements=(statement,),
        personal=(Personal(source="hotline/12345", id="r1", values={"building.floor": {"plain": floor}}),),
        reason="new",
        rules="r",
        opened_at=AT,
        first_seen=AT,
        last_seen=AT,
        filed_at=AT,
        entered_at=AT,
        ended_at=AT + timedelta(hours=1),
        due_at=AT + timedelta(hours=2),
        level="district",
        unit="urban_management-370202",
        handler=Actor(id=name, role=Role.UNIT),
        overdue=draw(st.booleans()),
        escalated_to=draw(st.sampled_from([None, "city"])),
    )
    return case, [phone, plate, name, words, note, external, floor, f"{room}室", f"-{room}", f"Room {room}"]


def forms(outgoing: Outgoing) -> str:
    """All that leaves, however it is written: as it is, and with every usual disguise taken off."""
    raw = b"\n".join([outgoing.body, str(dict(outgoing.headers)).encode(), outgoing.url.encode()])
    said = raw.decode(errors="replace")
    plain = [said, unquote_plus(said), re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), said)]
    if outgoing.method == "SEND":
        mail = email.message_from_bytes(outgoing.body, policy=email.policy.default)
        plain += [str(mail["Subject"]), quopri.decodestring(raw).decode(errors="replace"), str(mail.get_content())]
    return "\n".join(plain)


def notices(alert: Alert) -> list[Notice]:
    """What is told of a case: in a group, as a fact, in a digest."""
    group = notice(alert)
    return [group, notice(alert, id="f", fact="case.escalated", reason="case.escalated"), digest_of([group, notice(alert, id="g")])]


@settings(max_examples=40, deadline=None)
@given(cases())
def test_no_byte_of_a_household_is_in_any_body(made: tuple[Case, list[str]]) -> None:
    case, secrets = made
    alert = alert_of(CITY, case)
    assert alert is not None
    for told in notices(alert):
        for where in TARGETS:
            leaves = forms(sent(where.kind, told, where))
            assert [secret for secret in secrets if secret in leaves] == [], where.name


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(tokens, tokens, min_size=1, max_size=4), st.dictionaries(tokens, tokens, min_size=1, max_size=4))
def test_a_label_or_annotation_that_nobody_named_goes_nowhere(labels: dict[str, str], annotations: dict[str, str]) -> None:
    alert = Alert(fingerprint="f", labels={"case_id": "c"} | labels, annotations=annotations, starts_at=AT)
    for told in notices(alert):
        for where in TARGETS:
            leaves = forms(sent(where.kind, told.model_copy(update={"group_labels": labels}), where))
            assert not [secret for secret in (*labels.values(), *annotations.values()) if secret in leaves], where.name


def test_every_channel_there_is_stands_in_this_test() -> None:
    assert {each.kind for each in TARGETS} >= {kind for kind in channels() if not kind.startswith("test")}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("市南区香港中路10号附近", "市南区香港中路10号附近"),
        ("香港中路10号3号楼2单元501室张女士", "香港中路10号3号楼"),
        ("香港中路10号501", "香港中路10号"),
        ("香港中路10号3号楼欧阳女士", "香港中路10号3号楼"),
        ("香港中路10号，赵xiaoming女士", "香港中路10号"),
        ("辽宁路3-2-501", "辽宁路"),
        ("云南路12楼", "云南路"),
        ("人民路二号楼三单元五零一", "人民路二号楼"),
        ("山东路6号华润大厦3层", "山东路6号华润大厦"),
        ("五四广场 电话13800138000", "五四广场 电话"),
        ("五四广场一期", "五四广场一期"),
        ("12 Wusi Road, Apt 5B", "12 Wusi Road"),
        ("5 Main St, 3rd floor", "5 Main St"),
        ("5 Main St #12", "5 Main St"),
        ("鲁B12345停在山东路", ""),
        ("山东路\r\n10号", "山东路 10号"),
        ("路" * 500, "路" * 120),
        ("", ""),
    ],
)
def test_an_address_is_cut_where_a_household_begins(address: str, public: str) -> None:
    assert public_address(address) == public


def test_secrets_are_in_no_body() -> None:
    for where in (target("webhook", (SECRET,), url="https://x.example"), target("dingtalk", (f"{ROBOT}\nSECsign",))):
        said = sent(where.kind, notice(), where)
        for secret in (SECRET, SECRET.removeprefix("whsec_"), "SECsign"):
            assert secret not in said.body.decode() + said.url + str(said.headers)
            assert base64.b64encode(secret.encode()) not in said.body

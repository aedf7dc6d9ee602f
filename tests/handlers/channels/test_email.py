"""Mail: what stands in it, how a server's words are judged, and that it goes to the checked address over TLS or not at all."""

import asyncio
import email
import email.policy
from collections.abc import Coroutine
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers.channel import Failure, NotSent, Outcome, Outgoing, Verdict, channels
from handlers.mail import Mail
from handlers.outbound import Doors
from incidents.addresses import opened
from incidents.notices import Notice
from tests.handlers.channels.mail_server import NAME, MailServer, keep_in, mail_server, trusting
from tests.handlers.channels.notices import alert, fact, notice, sent, target

TO = {"sender": "ops@city.example", "to": "duty@city.example"}
HERE = opened(["127.0.0.0/8"])


@pytest.fixture(autouse=True)
def _key(tmp_path: Path) -> None:
    keep_in(tmp_path)


def read(outgoing: Outgoing) -> EmailMessage:
    found = email.message_from_bytes(outgoing.body, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def mail(told: Notice | None = None, **settings: Any) -> Outgoing:
    return sent("email", told or fact(), target("email", ("pass",), **({"host": "mail.example", **TO} | settings)))


async def local(host: str, port: int) -> tuple[str, ...]:
    """Every name is this machine."""
    return ("127.0.0.1",)


async def carried(server: MailServer, allowed: Any = HERE, **settings: Any) -> Verdict:
    """What the channel thinks of what the server said."""
    carrier = Mail(Doors(allowed, local), trusting())
    outgoing = mail(host=NAME, port=server.port, **settings)
    said = await carrier.send(outgoing)
    return channels()["email"].judge(said.status, said.headers, said.body)


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_a_mail_says_what_where_how_urgent_when_who_and_what_next() -> None:
    found = read(mail())
    assert found["Subject"] == "紧急 供水管道破裂 市南区香港中路街道香港中路10号3号楼 已超期"
    text = found.get_content()
    for part in ("QD-20261123-000001", "11月24日 04:30", "青岛市供水抢修中心", "https://ops.example.gov.cn/case/QD-20261123-000001"):
        assert part in text


def test_every_attempt_is_the_same_mail_and_a_line_is_a_thread() -> None:
    assert mail().body == mail().body
    first, second = read(mail()), read(mail(fact().model_copy(update={"id": "QD_1_8_s", "sequence": 8})))
    assert first["Message-ID"] == "<QD_1_7_s@city.example>" != second["Message-ID"]
    assert first["References"] == second["References"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_drill_is_marked_in_subject_and_head() -> None:
    found = read(mail(fact(drill=True)))
    assert found["Subject"].startswith("【演练】")
    assert found["X-Cityloop-Drill"] == "yes"


def test_many_cases_stay_below_the_limit() -> None:
    told = notice(*(alert(number, address="路" * 100) for number in range(2000)))
    assert len(mail(told).body) <= channels()["email"].most_bytes


def test_no_line_of_a_case_becomes_a_header() -> None:
    found = read(mail(notice(alert(address="山东路\r\nBcc: thief@example.com"))))
    assert found["Bcc"] is None
    assert "\n" not in found["Subject"]


def test_password_and_address_are_in_no_representation() -> None:
    outgoing = mail(username="ops")
    assert "pass" not in repr(outgoing) and "duty@" not in repr(outgoing)


@pytest.mark.parametrize("wrong", [{"to": "a@b\nBcc: c@d"}, {"to": "nobody"}, {"host": "a b"}, {"security": "maybe"}, {"port": 0}])
def test_a_wrong_setting_is_said_when_it_is_loaded(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        mail(**wrong)


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_server_takes_a_mail(security: str) -> None:
    async def scene() -> None:
        async with mail_server(tls=security == "tls") as server:
            assert (await carried(server, security=security, username="ops")).outcome is Outcome.OK
            assert server.encrypted == [security != "none"]
            assert b"Message-ID: <QD_1_7_s@city.example>" in server.mails[0]

    play(scene())


@pytest.mark.parametrize(
    ("says", "outcome", "reason"),
    [
        ({"AUTH": b"535 wrong password\r\n"}, Outcome.RETRY, Failure.AUTH),
        ({"RCPT": b"550 no such mailbox\r\n"}, Outcome.REFUSED, Failure.CLIENT),
        ({"RCPT": b"450 greylisted, come back\r\n"}, Outcome.RETRY, Failure.SERVER),
        ({"MAIL": b"421 too busy\r\n"}, Outcome.RETRY, Failure.SERVER),
        ({"END": b"451 disk is full\r\n"}, Outcome.RETRY, Failure.SERVER),
        ({"END": b"554 looks like spam\r\n"}, Outcome.REFUSED, Failure.CLIENT),
        ({"QUIT": b"500 what\r\n"}, Outcome.OK, None),
    ],
)
def test_a_servers_no_is_read_as_it_is_meant(says: dict[str, bytes], outcome: Outcome, reason: Failure | None) -> None:
    async def scene() -> None:
        async with mail_server(tls=True, **says) as server:
            judged = await carried(server, username="ops")
            assert (judged.outcome, judged.reason) == (outcome, reason)

    play(scene())


def test_without_starttls_nothing_is_said_in_clear() -> None:
    async def scene() -> None:
        async with mail_server(EHLO=b"250 mail.test\r\n") as server:
            with pytest.raises(NotSent):
                await carried(server, security="starttls", username="ops")
            assert "AUTH" not in server.verbs and not server.mails

    play(scene())


def test_a_server_that_is_somebody_else_gets_nothing() -> None:
    async def scene() -> None:
        async with mail_server(tls=True) as server:
            carrier = Mail(Doors(HERE, local))  # trusts whom everybody trusts
            with pytest.raises(NotSent, match="certificate"):
                await carrier.send(mail(host=NAME, port=server.port))
            assert not server.verbs

    play(scene())


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_an_address_inside_is_refused_before_anybody_is_called(security: str) -> None:
    async def scene() -> None:
        async with mail_server() as server:
            with pytest.raises(NotSent, match="127.0.0.1"):
                await carried(server, allowed=(), security=security)
            assert not server.verbs

    play(scene())


def test_nobody_there_is_no_answer() -> None:
    async def scene() -> None:
        async with mail_server() as server:
            closed = server
        with pytest.raises(NotSent) as none:
            await carried(closed)
        assert none.value.reason is Failure.OTHER

    play(scene())

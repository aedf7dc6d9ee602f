"""Every channel through the real engine to real servers: all that was told arrives, and a no in an answer is a no."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from adapters.deliveries_memory import MemoryDeliveries
from handlers.channel import Target, channels
from handlers.engine import Engine, Receivers, Rules
from handlers.mail import Mail
from handlers.outbound import Doors, Outbound
from incidents.addresses import opened
from incidents.notices import Alert, Notice, digest_of
from tests.handlers.channels.mail_server import mail_server
from tests.handlers.channels.notices import AT, alert, fact, notice, sent, target
from tests.handlers.channels.test_privacy import SECRET, TARGETS
from tests.handlers.office import QUICK, Office, play
from tests.handlers.receiver import Got, Receiver, answer, receiving

DOORS = Doors(opened(["127.0.0.0/8"]))
FINE = json.dumps({"errcode": 0, "code": 0, "result": "ok"}).encode()


def served(url: str, mail_port: int) -> list[Target]:
    """A target of every kind, at servers of this test."""
    return [
        target("webhook", (SECRET,), url=f"{url}/webhook"),
        target("alertmanager", url=f"{url}/alertmanager"),
        target("cloudevents", url=f"{url}/cloudevents", mode="binary"),
        target("cap", url=f"{url}/cap", sender="ops.example"),
        *(target(kind, (f"{url}/{kind}",)) for kind in ("dingtalk", "wecom", "feishu")),
        *(target(kind, url=f"{url}/{kind}", to="10000", ok={"result": "ok"}) for kind in ("sms", "voice")),
        target("email", host="127.0.0.1", port=mail_port, security="none", sender="a@b.example", to="c@d.example"),
    ]


@asynccontextmanager
async def at_work(targets: list[Target]) -> AsyncIterator[Office]:
    """An engine with every channel and transport there is."""
    http, queue, stop = Outbound(DOORS), MemoryDeliveries(), asyncio.Event()
    receivers = Receivers({each.name: each for each in targets}, channels(), {"http": http, "smtp": Mail(DOORS)})
    office = Office(queue, Engine(queue, receivers, lambda dead: office.bury(dead), Rules(schedules=QUICK)))
    running = asyncio.create_task(office.engine.run(stop))
    try:
        yield office
    finally:
        stop.set()
        await running
        await http.close()


def by_path(server: Receiver) -> Counter[str]:
    """How often each address was called."""
    return Counter(got.path.strip("/") for got in server.got)


def test_what_is_told_to_every_channel_arrives() -> None:
    async def scene() -> None:
        async with receiving(lambda _: answer(body=FINE)) as [server], mail_server() as mail:
            targets = served(server.url, mail.port)
            assert {each.kind for each in targets} == set(channels())
            async with at_work(targets) as office:
                await office.tell(fact(), *(each.name for each in targets))
                await office.until(lambda: len(server.got) == len(targets) - 1 and len(mail.mails) == 1)
                assert set(by_path(server).values()) == {1}
            assert not office.buried

    play(scene)


def test_what_arrives_is_what_was_signed() -> None:
    async def scene() -> None:
        async with receiving() as [server]:
            where = target("webhook", (SECRET,), url=server.url)
            async with at_work([where]) as office:
                await office.tell(fact(), where.name)
                await office.until(lambda: bool(server.got))
            assert Webhook(SECRET).verify(server.got[0].body, dict(server.got[0].headers))["type"] == "case.escalated"

    play(scene)


def refusing_twice(no: bytes) -> Callable[[Got], bytes]:
    """Says no twice, with HTTP 200, then yes."""
    asked = count()
    return lambda _: answer(body=no if next(asked) < 2 else FINE)


def test_a_no_in_the_body_is_a_no_and_is_tried_again() -> None:
    async def scene(kind: str, no: bytes) -> None:
        async with receiving(refusing_twice(no)) as [server]:
            where = next(each for each in served(server.url, 25) if each.kind == kind)
            async with at_work([where]) as office:
                await office.tell(fact(), where.name)
                await office.until(lambda: len(server.got) == 3)
            assert not office.buried
            assert len({got.headers.get("webhook-id") for got in server.got}) == 1

    for kind, no in (("dingtalk", b'{"errcode":310000}'), ("feishu", b'{"code":19021}'), ("sms", b'{"result":"no credit"}')):
        play(lambda kind=kind, no=no: scene(kind, no))  # type: ignore[misc]


texts = st.text(max_size=400)
some = st.builds(
    lambda number, labels, notes, ended: alert(number, ended, labels, **notes),
    st.integers(0, 99),
    st.dictionaries(st.sampled_from(["district", "category", "severity", "case_id", "city"]), texts, max_size=5),
    st.dictionaries(st.sampled_from(["address", "unit", "state", "condition", "level", "due_at", "lat", "lon"]), texts, max_size=8),
    st.booleans(),
)


def several(alerts: list[Alert], repeat: int, group: str) -> list[Notice]:
    """A group, a fact, a digest."""
    told = notice(*(alerts * repeat), group_key=group or "g", group_labels={"district": group}, truncated=repeat)
    return [told, notice(alerts[0], fact="case.noted", reason="case.noted"), digest_of([told, fact()])]


@settings(max_examples=25, deadline=None)
@given(st.lists(some, min_size=1, max_size=4), st.sampled_from([1, 3, 40]), texts)
def test_no_body_is_larger_than_its_receiver_takes_whatever_the_notice(alerts: list[Alert], repeat: int, group: str) -> None:
    for told in several(alerts, repeat, group):
        for where in TARGETS:
            assert 0 < len(sent(where.kind, told, where, AT).body) <= channels()[where.kind].most_bytes

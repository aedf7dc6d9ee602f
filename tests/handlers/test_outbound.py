"""Nothing goes where it may not: the very address that was checked is connected to, every time anew."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from handlers import outbound
from handlers.channel import Failure, NotSent, Outgoing
from handlers.outbound import Doors, HttpAnswer, Outbound
from incidents.addresses import opened
from tests.handlers.receiver import HANG, Got, Reply, answer, receiving

LOOPBACK = opened(["127.0.0.1/32"])


def names(*answers: Sequence[str]) -> outbound.Resolve:
    """A resolver that gives these answers one after the other, the last for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def message(url: str) -> Outgoing:
    """Something to send."""
    return Outgoing("POST", url, {"content-type": "text/plain"}, b"hello")


async def _send(doors: Doors, url: str) -> HttpAnswer:
    transport = Outbound(doors)
    try:
        return await transport.send(message(url))
    finally:
        await transport.close()


def refused(doors: Doors, url: str) -> NotSent:
    """Why it was not sent."""
    with pytest.raises(NotSent) as caught:
        asyncio.run(_send(doors, url))
    return caught.value


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "192.168.1.1"], ["64:ff9b::a00:1"], ["fe80::1%eth0"]],
)
def test_a_name_at_a_private_address_is_refused_even_when_others_are_public(addresses: list[str]) -> None:
    error = refused(Doors(resolve=names(addresses)), "https://receiver.test/hook")
    assert "receiver.test is at" in error.detail and not error.final


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1", "[::1]", "localhost"])
def test_loopback_in_any_spelling_is_refused(host: str) -> None:
    assert "this machine" in refused(Doors(), f"https://{host}/").detail or "receiver" in host


@pytest.mark.parametrize("url", ["http://receiver.test/", "https://receiver.test:22/", "https://receiver.test:6379/"])
def test_plain_http_and_odd_ports_are_for_opened_networks_only(url: str) -> None:
    assert refused(Doors(resolve=names(["8.8.8.8"])), url).final


@pytest.mark.parametrize("url", ["ftp://receiver.test/", "file:///etc/passwd", "https://", "gopher://x"])
def test_other_schemes_are_no_addresses(url: str) -> None:
    refused(Doors(resolve=names(["8.8.8.8"])), url)


def test_the_connection_goes_to_the_address_that_was_checked_and_keeps_the_name() -> None:
    async def scene() -> None:
        async with receiving() as [receiver]:
            asked: list[str] = []

            async def resolve(host: str, port: int) -> Sequence[str]:
                asked.append(host)
                return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

            transport = Outbound(Doors(LOOPBACK, resolve))
            url = f"http://receiver.test:{receiver.port}/hook"
            assert (await transport.send(message(url))).status == 200
            assert receiver.got[0].headers["host"] == f"receiver.test:{receiver.port}"
            assert (await transport.send(message(url))).status == 200 and asked == ["receiver.test"]  # the same connection
            await transport.close()
            with pytest.raises(NotSent, match="10.9.9.9"):  # a new one is checked anew
                await transport.send(message(url))
            assert len(receiver.got) == 2
            await transport.close()

    asyncio.run(scene())


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def scene() -> None:
        async with receiving() as [receiver]:
            doors = Doors(opened(["127.0.0.0/8"]), names(["127.0.0.9", "127.0.0.1"]))
            assert (await _send(doors, f"http://receiver.test:{receiver.port}/")).status == 200

    asyncio.run(scene())


REPLIES: dict[str, tuple[Reply, int | Failure]] = {
    "a redirect is an answer, never followed": (lambda _: answer(302, location="http://127.0.0.1:1/"), 302),
    "garbage": (lambda _: b"\x00\xff what\r\n\r\n", Failure.OTHER),
    "half an answer": (lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Failure.OTHER),
    "half a head": (lambda _: b"HTTP/1.1 200 half", Failure.OTHER),
    "nothing at all": (lambda _: b"", Failure.OTHER),
    "a hang": (lambda _: HANG, Failure.DEADLINE),
    "a head that never ends": (lambda _: b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 60_000, Failure.OTHER),
}


@pytest.mark.parametrize("name", REPLIES)
def test_what_receivers_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_S", 0.5)
    reply, expected = REPLIES[name]

    async def scene() -> None:
        async with receiving(reply) as [receiver]:
            if isinstance(expected, int):
                assert (await _send(Doors(LOOPBACK), receiver.url)).status == expected
                return
            with pytest.raises(NotSent) as caught:
                await _send(Doors(LOOPBACK), receiver.url)
            assert caught.value.reason is expected and not caught.value.final

    asyncio.run(scene())


def test_an_answer_is_read_to_four_kilobytes() -> None:
    async def scene() -> None:
        async with receiving(lambda _: answer(500, b"x" * 5_000_000)) as [receiver]:
            assert len((await _send(Doors(LOOPBACK), receiver.url)).body) == 4096

    asyncio.run(scene())


def test_an_answer_that_drips_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_S", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.1)
        writer.close()
        gone.set()

    async def scene() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        with pytest.raises(NotSent) as caught:
            await _send(Doors(LOOPBACK), f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert caught.value.reason is Failure.DEADLINE
        await gone.wait()
        server.close()

    gone = asyncio.Event()
    asyncio.run(scene())


def test_pools_of_origins_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "MOST_POOLS", 2)

    async def scene() -> None:
        async with receiving(count=4) as receivers:
            transport = Outbound(Doors(LOOPBACK))
            for receiver in receivers * 2:
                await transport.send(message(receiver.url))
            assert len(transport._pools) == 2 and all(len(receiver.got) == 2 for receiver in receivers)
            await transport.close()

    asyncio.run(scene())


def test_what_came_is_what_was_sent() -> None:
    async def scene() -> list[Got]:
        async with receiving() as [receiver]:
            await _send(Doors(LOOPBACK), f"{receiver.url}/a/b?c=%20d")
            return receiver.got

    [got] = asyncio.run(scene())
    assert got.path == "/a/b?c=%20d" and got.body == b"hello" and "authorization" not in got.headers and "cookie" not in got.headers

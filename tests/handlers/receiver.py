"""A receiver as receivers are: answers, fails, hangs, lies, breaks off. One real server on the loopback address, and a channel to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from pydantic import BaseModel, ConfigDict

from handlers.channel import Limit, Outgoing, Profile, Target, Verdict, judge_http
from incidents.notices import Alert, Notice, digest_of

HANG = b"\0hang"
AT = datetime(2026, 11, 23, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Got:
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, object]:
        """Its body."""
        found: dict[str, object] = orjson.loads(self.body)
        return found


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> bytes:
    """The bytes of an answer."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


Reply = Callable[[Got], bytes]


@dataclass
class Receiver:
    """What it got, and what it says: bytes as they are; half an answer is one that promises more than it holds."""

    reply: Reply = lambda _: answer()
    got: list[Got] = field(default_factory=list)
    port: int = 0
    late: Callable[[Got], Awaitable[None]] | None = None
    connections: set[asyncio.Task[object]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; cancelled only in the end."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        got = Got(first.split(" ")[1], headers, body, asyncio.get_running_loop().time())
        self.got.append(got)
        if self.late is not None:
            await self.late(got)
        said = self.reply(got)
        if said == HANG:
            await reader.read()
            return False
        writer.write(said)
        await writer.drain()
        return said.startswith(b"HTTP/1.1") and b"half" not in said


@asynccontextmanager
async def receiving(reply: Reply = lambda _: answer(), count: int = 1) -> AsyncIterator[list[Receiver]]:
    """Receivers on free ports."""
    receivers = [Receiver(reply) for _ in range(count)]
    servers = []
    for receiver in receivers:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    try:
        yield receivers
    finally:
        for receiver, server in zip(receivers, servers, strict=True):
            server.close()
            for task in receiver.connections:
                task.cancel()
            await asyncio.gather(*receiver.connections)


class PlainSettings(BaseModel):
    """A URL."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str


@dataclass
class PlainChannel:
    """Says a notice's id, line, sequence and what it digests."""

    kind: str = "plain"
    settings: type[BaseModel] = PlainSettings
    limit: Limit | None = None
    most_bytes: int = 20_000
    broken: str = ""

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        if self.broken and self.broken in notice.id:
            raise ValueError("the template fails")
        assert isinstance(target.settings, PlainSettings)
        fields = {
            "id": notice.id,
            "line": notice.group_key,
            "sequence": notice.sequence,
            "digested": notice.digested,
            "reason": notice.reason,
        }
        return Outgoing("POST", target.settings.url, {"webhook-id": notice.id, "content-type": "application/json"}, orjson.dumps(fields))

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def target(name: str, url: str, profile: Profile = Profile.STANDARD, kind: str = "plain", fallback: tuple[str, ...] = ()) -> Target:
    """One address."""
    return Target(name=name, kind=kind, settings=PlainSettings(url=url), profile=profile, fallback=fallback)


def fact(line: str = "c1", sequence: int = 1) -> Notice:
    """A fact of a case."""
    alert = Alert(fingerprint=line, labels={"case_id": line}, starts_at=AT, sequence=sequence)
    return Notice(
        id=f"{line}_{sequence}",
        group_key=line,
        receiver="r",
        reason="case.filed",
        alerts=(alert,),
        status="firing",
        at=datetime.now(UTC),
        sequence=sequence,
        fact="case.filed",
    )

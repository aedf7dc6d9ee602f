"""HTTP to receivers, safely: every address is resolved, held to our own table and pinned at connect time, for every connection anew.

The client is httpx's own transport (httpcore) with a network backend in between: the name is resolved there, ALL its addresses must pass
(`incidents.addresses`), and the connection goes to the very address that was checked, so that a name which answers differently the next
moment gains nothing. Host and SNI stay the name's. No redirects, no proxies of the environment, no cookies, nothing unpacked; an answer is
read to 4 kB, within 15 s as a whole. Plain http and ports other than 443 and 8443 only into networks that the administrator opened.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpcore

from handlers.channel import Failure, NotSent, Outgoing
from incidents.addresses import Network, refusal

CONNECT_S, WHOLE_S = 5.0, 15.0
"""ALERTS.md §12."""
MOST_ANSWER = 4096
PORTS = frozenset({443, 8443})
MAIL_PORTS = frozenset({25, 465, 587})
MOST_POOLS = 512
PER_ORIGIN = 16
"""Connections to one origin. Who comes beyond waits here: httpcore looks at every waiting request and connection for every request."""
IDLE_S = 30.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system's resolver gives them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Doors:
    """Where this deployment may send: the networks its administrator opened, and how names are resolved."""

    allowed: tuple[Network, ...] = ()
    resolve: Resolve = resolve

    async def pinned(self, host: str, port: int, ports: frozenset[int] = PORTS, *, plain: bool = False) -> Sequence[str]:
        """The addresses to connect to, each checked. Raises NotSent naming the first that may not be, and OSError without any."""
        addresses = await self.resolve(host.strip("[]"), port)
        for address in addresses:
            if (why := refusal(address, self.allowed)) is not None:
                raise NotSent(Failure.OTHER, f"{host} is at {address}: {why}; an administrator may open that network")
        if (plain or port not in ports) and not all(self._opened(address) for address in addresses):
            what = "plain http" if plain else f"port {port}"
            raise NotSent(Failure.OTHER, f"{what} to {host} is only for networks that an administrator opened", final=True)
        return addresses

    def _opened(self, address: str) -> bool:
        found = ip_address(address)
        return any(found.version == network.version and found in network for network in self.allowed)


class _Pinning(httpcore.AnyIOBackend):
    """Connects to the addresses that were checked, and to nothing else."""

    def __init__(self, doors: Doors, *, plain: bool) -> None:
        self._doors = doors
        self._plain = plain

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """One after the other; the last one's error stands for all."""
        try:
            addresses = await self._doors.pinned(host, port, plain=self._plain)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from error
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, (timeout or CONNECT_S) / len(addresses), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """See handlers.channel.Answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Pool:
    connections: httpcore.AsyncConnectionPool
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_ORIGIN))
    users: int = 0


class Outbound:
    """The transport of http and https. One event loop; a pool of connections for each origin, the least used forgotten."""

    def __init__(self, doors: Doors, trust: ssl.SSLContext | None = None) -> None:
        self._doors = doors
        self._trust = trust or ssl.create_default_context()
        self._pools: OrderedDict[tuple[bytes, bytes, int | None], _Pool] = OrderedDict()

    async def send(self, outgoing: Outgoing) -> HttpAnswer:
        """See handlers.channel.Transport."""
        try:
            url = httpcore.URL(outgoing.url)
        except (ValueError, UnicodeError) as error:
            raise NotSent(Failure.OTHER, f"no address: {error}", final=True) from error
        if not url.host:
            raise NotSent(Failure.OTHER, "no address: the URL names no host", final=True)
        pool = await self._pool(url)
        pool.users += 1
        try:
            async with asyncio.timeout(WHOLE_S), pool.room:
                return await _exchange(pool.connections, url, outgoing)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise NotSent(Failure.DEADLINE, f"no answer within {WHOLE_S:g} s ({type(error).__name__})") from error
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
            raise NotSent(Failure.OTHER, f"cannot be sent: {error}"[:300], final=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise NotSent(Failure.OTHER, f"{type(error).__name__}: {error}"[:300]) from error
        finally:
            pool.users -= 1

    async def _pool(self, url: httpcore.URL) -> _Pool:
        key = (url.scheme, url.host, url.port)
        pool = self._pools.get(key)
        if pool is None:
            backend = _Pinning(self._doors, plain=url.scheme != b"https")
            made = httpcore.AsyncConnectionPool(self._trust, max_connections=PER_ORIGIN, keepalive_expiry=IDLE_S, network_backend=backend)
            pool = self._pools[key] = _Pool(made)
        self._pools.move_to_end(key)
        if len(self._pools) > MOST_POOLS:
            await self._forget()
        return pool

    async def _forget(self) -> None:
        """Close the pool longest unused that nobody uses now."""
        key = next((key for key, pool in self._pools.items() if not pool.users), None)
        if key is not None and key != next(reversed(self._pools)):
            await self._pools.pop(key).connections.aclose()

    async def close(self) -> None:
        """See handlers.channel.Transport."""
        for pool in self._pools.values():
            await pool.connections.aclose()
        self._pools.clear()


async def _exchange(connections: httpcore.AsyncConnectionPool, url: httpcore.URL, outgoing: Outgoing) -> HttpAnswer:
    patience = {"timeout": {"connect": CONNECT_S, "read": WHOLE_S, "write": WHOLE_S, "pool": WHOLE_S}}
    headers = list(outgoing.headers.items())
    async with connections.stream(outgoing.method, url, headers=headers, content=outgoing.body, extensions=patience) as response:
        body = b""
        async for part in response.aiter_stream():
            body += part
            if len(body) >= MOST_ANSWER:
                break
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return HttpAnswer(response.status, names, body[:MOST_ANSWER])

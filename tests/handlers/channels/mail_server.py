"""A mail server as they are: greets, upgrades to TLS, wants a password, takes a mail, or says no; one on the loopback address."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "mail.test"
OPENING = {"EHLO": b"250-mail.test\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n", "STARTTLS": b"220 go ahead\r\n"}
SAYS: Mapping[str, bytes] = OPENING | {
    "AUTH": b"235 welcome\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 taken as 4711\r\n",
    "QUIT": b"221 bye\r\n",
    "RSET": b"250 ok\r\n",
}


@dataclass
class MailServer:
    """What it got; `says` changes its answers by verb ("." is the end of a mail), an empty one hangs."""

    says: dict[str, bytes] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    port: int = 0
    talking: set[asyncio.Task[object]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; cancelled only in the end."""
        task = asyncio.current_task()
        assert task is not None
        self.talking.add(task)
        try:
            writer.write(b"220 mail.test ESMTP\r\n")
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.talking.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = await reader.readuntil(b"\r\n")
        verb = line.split()[0].decode().upper()
        self.verbs.append(verb)
        said = {**SAYS, **self.says}[verb]
        if not said:
            await reader.read()
        writer.write(said)
        if verb == "STARTTLS" and said.startswith(b"220"):
            await writer.drain()
            await writer.start_tls(server_side())
        if verb == "DATA" and said.startswith(b"354"):
            self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
            self.encrypted.append(writer.get_extra_info("cipher") is not None)
            writer.write({**SAYS, **self.says}["."])
        return verb != "QUIT"


@asynccontextmanager
async def mail_server(*, tls: bool = False, **says: bytes) -> AsyncIterator[MailServer]:
    """A server on a free port."""
    server = MailServer({("." if verb == "END" else verb): said for verb, said in says.items()})
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server_side() if tls else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.talking:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*server.talking)


@cache
def _certificate() -> tuple[bytes, bytes]:
    """A key and a certificate for the server's name, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )
    signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, signed.public_bytes(serialization.Encoding.PEM)


_files: list[Path] = []


def keep_in(folder: Path) -> None:
    """Where the server's key may stand: the library reads it from a file only."""
    path = folder / "server.pem"
    path.write_bytes(b"".join(_certificate()))
    _files[:] = [path]


def server_side() -> ssl.SSLContext:
    """The server's."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_files[0])
    return context


def trusting() -> ssl.SSLContext:
    """A client's that knows the server."""
    return ssl.create_default_context(cadata=_certificate()[1].decode())

"""The transport of mail: SMTP by aiosmtplib over a connection of our own, to an address that was checked (handlers/outbound.py).

One connection for each mail. TLS always, from the first byte (smtps) or by STARTTLS (smtp); without it only into networks that the
administrator opened, as plain http. The server's last word is the answer: its code is the status.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPTimeoutError

from handlers.channel import Failure, NotSent, Outgoing
from handlers.outbound import CONNECT_S, MAIL_PORTS, MOST_ANSWER, WHOLE_S, Doors, HttpAnswer

PORT_TLS, PORT_STARTTLS = 465, 587


class Mail:
    """The transport of smtp and smtps."""

    def __init__(self, doors: Doors, trust: ssl.SSLContext | None = None) -> None:
        self._doors = doors
        self._trust = trust or ssl.create_default_context()

    async def send(self, outgoing: Outgoing) -> HttpAnswer:
        """See handlers.channel.Transport."""
        try:
            async with asyncio.timeout(WHOLE_S):
                return await self._send(outgoing)
        except SMTPResponseException as error:
            return HttpAnswer(error.code, {}, error.message.encode()[:MOST_ANSWER])
        except SMTPRecipientsRefused as error:
            return HttpAnswer(error.recipients[0].code, {}, error.recipients[0].message.encode()[:MOST_ANSWER])
        except (TimeoutError, SMTPTimeoutError) as error:
            raise NotSent(Failure.DEADLINE, f"no answer within {WHOLE_S:g} s") from error
        except (OSError, SMTPException) as error:
            raise NotSent(Failure.OTHER, f"{type(error).__name__}: {error}"[:300]) from error

    async def _send(self, outgoing: Outgoing) -> HttpAnswer:
        url, envelope = urlsplit(outgoing.url), outgoing.headers
        host, tls = url.hostname or "", url.scheme == "smtps"
        port = url.port or (PORT_TLS if tls else PORT_STARTTLS)
        plain = not tls and envelope.get("starttls") != "required"
        addresses = await self._doors.pinned(host, port, MAIL_PORTS, plain=plain)
        connection = await _connected(addresses, port)
        client = SMTP(
            hostname=host,
            port=None,
            sock=connection,
            use_tls=tls,
            start_tls=not (tls or plain),
            tls_context=self._trust,
            timeout=WHOLE_S,
        )
        transport: asyncio.BaseTransport | None = None
        try:
            await client.connect()
            transport = client.transport
            if envelope.get("username"):
                await client.login(envelope["username"], envelope["password"])
            _, said = await client.sendmail(envelope["from"], [envelope["to"]], outgoing.body)
            with suppress(SMTPException):  # it has the mail: what comes after cannot take that back
                await client.quit()
        finally:
            if transport is not None:
                cast(asyncio.WriteTransport, transport).abort()  # close() would wait for the server's farewell
            client.close()
            connection.close()
        return HttpAnswer(250, {}, said.encode()[:MOST_ANSWER])

    async def close(self) -> None:
        """See handlers.channel.Transport: there is nothing to let go of."""


async def _connected(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of the addresses that takes one. Raises OSError of the last."""
    failed: OSError = OSError("the name has no address")
    for address in addresses:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_S / len(addresses)):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
        except OSError as error:  # a TimeoutError is one
            connection.close()
            failed = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failed

"""`cityloop hooks receiver`: a receiver of one's own, with a page that shows notices as they arrive."""

import asyncio
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from cli.output import say
from cli.serving import FeedServer, listen
from config.load import load_city
from config.settings import LAST_PORT, load_settings
from console.receiver import Inbox, create_receiver
from console.receiver_read import READERS
from incidents.errors import UserError

HOST, PORT = "127.0.0.1", 8090
GRACE_S = 1


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("receiver")(receive)


def receive(
    port: Annotated[int, typer.Option(min=0, max=LAST_PORT, help="Of this machine's loopback address; 0 takes a free one.")] = PORT,
    secret_file: Annotated[
        list[Path] | None,
        typer.Option(help="A file with the secret of a target that points here; repeatable. Default: those that the local stack made."),
    ] = None,
) -> None:
    """Receive notices and show them on a page as they arrive: what they say, whether the signature is right, which came twice.

    Point targets of hooks.toml to http://127.0.0.1:PORT/PROTOCOL, PROTOCOL being webhook, cloudevents, alertmanager, cap, dingtalk, wecom,
    feishu, sms or voice, and open 127.0.0.0/8 for them in its `[allow]`. On the page the receiver can be told to fail, or to keep silent.
    Nothing is kept when it ends; it listens on this machine only.

    Example: `cityloop hooks receiver --secret-file webhook.secret`
    """
    settings = load_settings()
    city = load_city(settings)
    own = settings.local_dir / "secrets" / "hooks"
    for path in secret_file or ():
        _secret(path)
    inbox = Inbox(lambda: [_secret(path) for path in secret_file or sorted(own.glob("*"))])
    with listen(HOST, port, "--port") as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}/"
        say(f"receiver at {address}; it takes notices at {address}{{{','.join(READERS)}}}")
        asyncio.run(_serve(create_receiver(city, inbox, real_time=settings.clock == "real"), inbox, listening))


async def _serve(app: Starlette, inbox: Inbox, listening: socket.socket) -> None:
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S)
    await FeedServer(config, inbox.close).serve(sockets=[listening])


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the secret in {path}: {error}") from None

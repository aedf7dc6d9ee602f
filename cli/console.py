"""`cityloop console`: serves the pages of the operations centre, its API and its live feed."""

import asyncio
import gc
import socket

import typer
import uvicorn
import uvloop

from adapters.log import configure_logging
from cli.output import say
from cli.serving import FeedServer, listen
from config.settings import Settings, load_settings
from console.app import create_app
from console.opened import open_world

GRACE_S = 2


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("console")(serve)


def serve() -> None:
    """Serve the operations centre: pages, the API under /api/v1, and the live feed, for whoever has an account or a token.

    Listens on CITYLOOP_HTTP_HOST and CITYLOOP_HTTP_PORT (0 takes a free port) and prints its address; needs Redis and Kafka, which
    `cityloop up` starts, the database, which it brings up to date, and the city's secrets. Ctrl-C or SIGTERM ends it.

    Example: `CITYLOOP_HTTP_PORT=8080 cityloop console`, then open http://127.0.0.1:8080/
    """
    settings = load_settings()
    configure_logging(settings, "console")
    with (
        listen(settings.http_host, settings.http_port, "CITYLOOP_HTTP_PORT") as listening,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> None:
    world = await open_world(settings)
    app = create_app(world)
    gc.collect()
    gc.freeze()  # city, outlines and the application stay: walking them holds up every feed for a tenth of a second
    gc.set_threshold(50_000, 20, 100)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False)
    host, port = listening.getsockname()[:2]
    say(f"console at http://{host}:{port}/")
    if not await asyncio.to_thread(world.access.people.accounts):
        say("nobody has an account yet; make one with `cityloop accounts add NAME --role ROLE` (docs/people.md)")
    await FeedServer(config, world.hub.close).serve(sockets=[listening])

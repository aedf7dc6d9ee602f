"""`cityloop replay`: a file of reports onto the topic."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import AsJson
from cli.produce import Limit, Out, Request, send, surroundings
from config.settings import load_settings
from producers.pace import pace_of
from producers.sources import replay as source


def register(app: typer.Typer) -> None:
    """Adds `replay`."""
    app.command("replay")(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="CSV or JSONL, plain or gzip.")],
    mapping: Annotated[str | None, typer.Option(help="Name in config/cities/CITY/mappings/, or the path of a .toml file.")] = None,
    speed: Annotated[str, typer.Option(help="`max`, `real`, `x60` (times as fast as recorded) or `500/s`.")] = "max",
    limit: Limit = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Publish every row of a file as a report; a mapping says which column is what.

    JSONL of CloudEvents needs no mapping and passes through byte for byte. Nothing is dropped quietly: what cannot be translated is sent as
    it stands, so that intake rejects it with a reason; rows without an id are listed at the end. Old files need a city clock that follows
    them: `CITYLOOP_CLOCK=events`, for the worker as well. Ctrl-C stops cleanly and says how many records are durable.

    Example: `CITYLOOP_CITY=boston CITYLOOP_CLOCK=events cityloop replay requests.csv.gz --mapping boston --speed max`
    """
    settings, pace = load_settings(), pace_of(speed)
    options = source.ReplayOptions(file=file, mapping=mapping)
    opened = source.KIND.open(options, surroundings(settings))
    send(opened, settings, Request("replay", pace, out, limit, None, as_json))

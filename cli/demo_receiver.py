"""The demo's receiver of notices: the city's own hooks, led to a free port of this machine instead of the one that its files name."""

import shutil
from pathlib import Path

from adapters.stack_engines import free_port, is_free
from cli.hooks_receiver import HOST, PORT
from config.settings import Settings

FILES = ("hooks.toml", "duty.toml")
LEFT_OUT = shutil.ignore_patterns("*.py", "__pycache__")


def with_receiver(settings: Settings) -> tuple[Settings, int]:
    """The settings with a configuration whose notices go to that port, and the console's address for their links."""
    port = PORT if is_free(PORT) else free_port()
    made = settings.local_dir / "config"
    shutil.copytree(settings.config_dir, made, ignore=LEFT_OUT, dirs_exist_ok=True)
    for name in FILES:
        _lead(made / "cities" / settings.city / name, port)
    console = f"http://{settings.http_host}:{settings.http_port}"
    return settings.model_copy(update={"config_dir": made, "console_url": settings.console_url or console}), port


def _lead(file: Path, port: int) -> None:
    if file.is_file():
        file.write_text(file.read_text("utf-8").replace(f"//{HOST}:{PORT}/", f"//{HOST}:{port}/"), "utf-8")

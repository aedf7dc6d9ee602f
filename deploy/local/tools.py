"""Installs what the tests need beyond Python, for `make test`: apt packages where we are root, otherwise one message naming them.

PostgreSQL, Chromium, promtool and amtool are wanted, not needed: without them the tests that use them fail, and say so.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from adapters.stack_jars import ensure_jars, ensure_tools, install
from adapters.stack_postgres import PACKAGED
from incidents.errors import UserError

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


def wanted() -> list[str]:
    """The Debian packages of what is not there."""
    found = {
        "chromium": shutil.which("chromium") or shutil.which("google-chrome"),
        "fonts-noto-cjk": FONT.exists() or sys.platform != "linux",
        "postgresql": any(PACKAGED.glob("*/bin/initdb")),
        "prometheus": shutil.which("promtool"),
        "prometheus-alertmanager": shutil.which("amtool"),
    }
    return [package for package, there in found.items() if not there]


def say(message: str) -> None:
    """Progress."""
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Exit code 2 when a needed program is missing."""
    try:
        ensure_tools(say)
        ensure_jars(say)
    except UserError as error:
        say(str(error))
        return 2
    try:
        if packages := wanted():
            install(packages, say)
    except UserError as error:
        say(f"some tests will be skipped: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

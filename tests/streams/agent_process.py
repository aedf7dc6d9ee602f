"""An agent in a process of its own, for tests that kill it: notes each fact in a file, then does what its last argument says.

`python -m tests.streams.agent_process FILE hang|bug|work`
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.log import configure_logging
from config.settings import load_settings
from incidents.case import Fact
from tests.streams.fact_agents import agent, name


async def main(file: Path, then: str) -> None:
    """Run until killed."""

    async def act(told: Sequence[Fact]) -> None:
        with file.open("a", encoding="utf-8") as notes:
            notes.writelines(f"{case} {sequence}\n" for case, sequence in map(name, told))
        if then == "bug":
            raise ZeroDivisionError("a bug")
        if then == "hang":
            await asyncio.Event().wait()

    settings = load_settings()
    configure_logging(settings, "routing")
    async with agent(settings, act, session_s=3.0):  # as a worker's: its successor has not long to wait
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

"""Shows a run on stderr: a bar with rate and time left on a terminal, a line now and then elsewhere, a summary at the end."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from producers.run import Outcome

LINE_EVERY_S = 10.0


class Display:
    """A context manager that implements `producers.run.Shown`."""

    def __init__(self, title: str, total: int | None = None) -> None:
        """`total` = records to come, if known; otherwise the bar follows the source's own progress."""
        self._console = Console(stderr=True, highlight=False)
        self._title = title
        self._total = total
        self._next_line = time.monotonic() + LINE_EVERY_S
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=None, figures="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, outcome: Outcome, progress: float | None, behind_s: float) -> None:
        """Bring the bar, or the line, up to date."""
        if self._total:
            progress = min(1.0, outcome.sent / self._total)
        figures = f"{outcome.sent:,} sent, {outcome.durable:,} durable, {outcome.per_second:,.0f}/s"
        if behind_s > 1:
            figures += f", {behind_s:.0f} s behind"
        if self._console.is_terminal:
            self._bar.update(self._task, total=None if progress is None else 1.0, completed=progress or 0.0, figures=figures)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            share = "" if progress is None else f"{progress:.0%} "
            print(f"{self._title}: {share}{figures}", file=sys.stderr, flush=True)


def summary(outcome: Outcome, where: str) -> str:
    """The end of a run in words: what was sent and kept, what was left out, and the first problems."""
    ended = "stopped: " if outcome.stopped else ""
    lines = [f"{ended}{outcome.sent:,} sent to {where}, {outcome.durable:,} durable, {outcome.seconds:.1f} s, {outcome.per_second:,.0f}/s"]
    if outcome.left_out:
        lines.append(f"{outcome.left_out:,} left out (no id, skipped by the mapping, or too large)")
    if outcome.problem_count:
        lines.append(f"problems: {outcome.problem_count:,}; what could be sent was sent as it stood, and intake judges it:")
        lines += [f"  {problem}" for problem in outcome.problems[:20]]
        if outcome.problem_count > 20:
            lines.append(f"  … and {outcome.problem_count - 20:,} more")
    return "\n".join(lines)

"""Structured logs on stderr: JSON lines or a console's, one line per case transition, none per report, never household data.

Called once at the start of a process. The libraries' own loggers (Faust, Kafka and Redis clients) speak through the same format, from
WARNING up: their progress is not ours.
"""

import logging
import sys
import time
from collections.abc import Callable

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import LogFormat, Settings

HOUSEHOLD = frozenset({"reporter", "phone", "plate", "building", "floor", "description", "statement", "statements", "address", "identity"})
MUTED = {"kafka": logging.CRITICAL, "aiokafka": logging.ERROR}
"""Clients that say several lines per second while a broker is away; our own loops say it once. CITYLOOP_LOG_LEVEL=DEBUG lets them speak."""
AGAIN_S = 60.0
"""How long such a client keeps a sentence to itself once it was said: aiokafka repeats its errors 360 times a second while the broker
is away (measured, a worker's three processes)."""
_TRACEBACK: Processor = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
"""Without the values of variables, among which a report could be."""
MOST_SENTENCES = 1_000
"""Remembered at once; a library that puts numbers into its sentences does not fill the memory."""


def configure_logging(settings: Settings, role: str) -> None:
    """Send this process's log to stderr; every line names the `role` (of the process: `intake`, `console`, …)."""
    structlog.contextvars.clear_contextvars()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _named(role),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_household_data,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(settings.log_format)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    handler.addFilter(_is_ours_or_a_warning)
    root.setLevel(settings.log_level)
    if root.level != logging.DEBUG:
        handler.addFilter(Seldom())
    for name, level in MUTED.items():
        logging.getLogger(name).setLevel(logging.NOTSET if root.level == logging.DEBUG else level)


def _is_ours_or_a_warning(record: logging.LogRecord) -> bool:
    """Libraries' records hold a text, ours a dictionary."""
    return isinstance(record.msg, dict) or record.levelno >= logging.WARNING


class Seldom:
    """A filter for a handler: the MUTED say each of their sentences once in AGAIN_S, with how often it was left out since."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        if record.name.partition(".")[0] not in MUTED:
            return True
        sentence = record.name, str(record.msg)
        at, kept = self._said.get(sentence, (-AGAIN_S, 0))
        if (now := self._now()) < at + AGAIN_S:
            self._said[sentence] = at, kept + 1
            return False
        if len(self._said) >= MOST_SENTENCES:
            self._said.clear()
        self._said[sentence] = now, 0
        if kept:
            record.msg = f"{record.msg} (and {kept} times more since this was said last)"
        return True


def _last(style: LogFormat) -> list[Processor]:
    strip: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style is LogFormat.JSON:
        return [strip, _TRACEBACK, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [strip, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _named(role: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("role", role)
        return event

    return add


def without_household_data(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank the fields that may tell who reported or who lives where, should a caller have passed one."""
    for name in HOUSEHOLD & event.keys():
        event[name] = "(withheld)"
    return event

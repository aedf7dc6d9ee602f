"""A time as the interface takes it: ISO 8601 with an offset, and nothing else that a lenient reader would take for one."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")
_UNESCAPED = re.compile(r" (\d{2}:\d{2})$")


def _written(value: Any) -> Any:
    """Seconds since 1970 are a number and no time; a `+` that an address did not escape arrives as a space.

    >>> _written("2026-11-21T08:15:00 08:00")
    '2026-11-21T08:15:00+08:00'
    """
    if isinstance(value, datetime):  # a model made of another one
        return value
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("write a time with its offset, like 2026-11-21T08:15:02+08:00")
    return _UNESCAPED.sub(r"+\1", value) if "T" in value.upper() else value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]

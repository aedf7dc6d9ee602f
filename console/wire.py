"""Values as they are written on the wire, where a lenient reader would take other things for them."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")
_UNESCAPED = re.compile(r" (\d{2}:\d{2})$")


def _time(value: Any) -> Any:
    """Seconds since 1970 are a number and no time; a `+` that an address did not escape arrives as a space.

    >>> _time("2026-11-21T08:15:00 08:00")
    '2026-11-21T08:15:00+08:00'
    """
    if isinstance(value, datetime):  # a model made of another one
        return value
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("write a time with its offset, like 2026-11-21T08:15:02+08:00")
    return _UNESCAPED.sub(r"+\1", value) if "T" in value.upper() else value


def _number(value: Any) -> Any:
    """Neither `true` nor `"3"`; but 3.0 is a whole number, as JSON Schema has it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write a number")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_time)]
"""ISO 8601 with an offset."""
NUMBER = BeforeValidator(_number)
"""Behind the bounds of an `int` in a JSON body, so that the document has them."""

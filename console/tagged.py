"""Answers that a browser may keep: an entity tag made of the bytes, and 304 while they are the same (RFC 9110, 8.8.3 and 13.1.2)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response

KEPT = "private, no-cache"
"""Only the person's own browser may keep it, and asks each time whether it still holds."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A body that changes seldom, made JSON once."""

    body: bytes
    tag: str
    media_type: str

    @classmethod
    def of(cls, value: Any, media_type: str = "application/json") -> "Tagged":
        """The JSON of a value."""
        body = orjson.dumps(value)
        return cls(body, f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"', media_type)

    def answer(self, request: Request) -> Response:
        """The body, or 304 when the browser's copy is this one."""
        headers = {"ETag": self.tag, "Cache-Control": KEPT}
        known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if self.tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)

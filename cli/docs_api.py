"""The API's part of the documentation: docs/openapi.json, and the table of operations in docs/api.md. Needs no engine and no secrets."""

from collections.abc import Iterator
from typing import Any, cast

import orjson

from console.app import create_app
from console.world import World

METHODS = ("get", "post", "put", "patch", "delete")


class _Nowhere:
    """A world in which nothing is asked: the document is made of the routes' declarations."""

    catalogue: dict[str, Any] = {}
    outlines: dict[str, Any] = {}

    def __getattr__(self, name: str) -> "_Nowhere":
        return self


def document() -> dict[str, Any]:
    """The OpenAPI document of the console."""
    return create_app(cast(World, _Nowhere())).openapi()


def as_json() -> str:
    """The document as it is committed."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def operations() -> Iterator[tuple[str, str, str]]:
    """Method and path, summary, and the answers of each operation, in the order of the paths."""
    for path, methods in sorted(document()["paths"].items()):
        for method in METHODS:
            if method in methods:
                said = methods[method]
                yield f"`{method.upper()} {path}`", said["summary"], " ".join(said["responses"])

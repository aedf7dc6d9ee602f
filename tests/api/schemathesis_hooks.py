"""A check of our own for Schemathesis: a request that fits the document is never refused for its shape."""

from typing import Any

import schemathesis

Case = schemathesis.Case[Any]


@schemathesis.check
def refused_only_for_its_meaning(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: Case) -> None:
    """`invalid` with `errors` says that a part is not what the schema wants; what is refused for its meaning has a `detail` alone."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    problem = response.json()
    shape = problem["type"].endswith(":invalid") and problem.get("errors")
    assert not shape, f"a request that fits the document was refused for its shape: {shape}"

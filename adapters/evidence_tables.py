"""Tables of the area `evidence`: what is known of a file, who brought it, which cases show it, and which one it is proof of."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.database import METADATA

PICTURES = sa.Table(
    "evidence",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("captured_at", sa.BigInteger),  # ms since 1970 on the city's clock, as `stored_at`
    sa.Column("lon", sa.Double),
    sa.Column("lat", sa.Double),
    sa.Column("stored_at", sa.BigInteger, nullable=False),
    sa.Column("kept_since", sa.BigInteger, nullable=False, index=True),  # ms since 1970, real: retention counts from the last upload
)
UPLOADS = sa.Table(
    "evidence_uploads",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("original", sa.String(64), primary_key=True, index=True),  # of the bytes as they came: a client knows its file by it
    sa.Column("person", sa.String(128), primary_key=True),
    sa.Column("district", sa.String(40)),
    sa.Column("unit", sa.String(80)),
    sa.Column("at", sa.BigInteger, nullable=False),
)
SHOWN = sa.Table(
    "evidence_cases",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("case_id", sa.String(100), primary_key=True),
)
PROOFS = sa.Table(
    "evidence_proofs",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("case_id", sa.String(100), nullable=False),
    sa.Column("command_id", sa.String(200), nullable=False, index=True),
)


def shown_by(case: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows of `evidence_cases` for a case as a fact tells it: who sees the case sees its pictures, whoever brought them."""
    shown = (each for name in ("evidence", "handled_evidence", "check_evidence") for each in case.get(name) or ())
    hashes = {each["sha256"].lower() for each in shown if len(each.get("sha256") or "") == 64}  # a report may name anything
    return [{"sha256": sha256, "case_id": case["case_id"]} for sha256 in sorted(hashes)]

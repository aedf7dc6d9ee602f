"""Tables of the area `evidence`: what is known of a file, who brought it, which cases show it, and which one it is proof of."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.database import METADATA

FROM_FACTS = "fact"
"""In place of a command's id: what the facts say is never taken back."""

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
    return [{"sha256": sha256, "case_id": case["case_id"]} for sha256 in _hashes(case, "evidence", "handled_evidence", "check_evidence")]


def proofs_of(case: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows of `evidence_proofs` likewise: what other systems showed of their work is nobody else's proof either."""
    hashes = _hashes(case, "handled_evidence", "check_evidence")
    return [{"sha256": sha256, "case_id": case["case_id"], "command_id": FROM_FACTS} for sha256 in hashes]


def _hashes(case: Mapping[str, Any], *names: str) -> list[str]:
    """In order, those that are one: a report may name anything."""
    shown = (each.get("sha256") or "" for name in names for each in case.get(name) or ())
    return sorted({sha256.lower() for sha256 in shown if len(sha256) == 64})

"""The whole file of a case: the case, its facts, what was reported, the hashes of its evidence, and the journal's entries with their proof.

Whoever has the file and the journal's public key can show that the entries stood in the journal (`incidents.journal.proves`): who did what
with the case, who opened what of it, and that this file was made. Personal values stand as masks.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import AwareDatetime, Field

from adapters.journal_reading import proofs
from console.case_page import CasePages, shown, sources
from console.views import CaseRow, FactView, SourceView, View
from console.world import World
from incidents.case import Case
from incidents.journal import Kind
from incidents.masking import masked
from incidents.rights import Person, Scope, scope_of

MOST_FACTS_AT_ONCE = 500
PLACES = {"evidence": "seen", "handled_evidence": "handled", "check_evidence": "checked"}


class EvidenceLine(View):
    """A picture or recording by its hash, and when in the case's life it was given."""

    given: str = Field(description="seen, handled or checked")
    sha256: str | None
    url: str | None
    media_type: str | None
    captured_at: AwareDatetime | None


class CaseFile(View):
    """Everything about a case, as of the moment it was exported."""

    city: str
    exported_at: AwareDatetime
    exported_by: str
    case: dict[str, Any] = Field(description="the whole case, personal values masked")
    row: CaseRow
    facts: list[FactView]
    reports: list[SourceView]
    evidence: list[EvidenceLine]
    journal: list[dict[str, Any]] = Field(
        description="every entry of the case, oldest first, each with `before`, `digests` and a signed `checkpoint` that prove it"
    )


def case_file(world: World, person: Person, case_id: str) -> CaseFile:
    """The file; the export stands in its own journal. Raises Problem 404."""
    scope = scope_of(person)
    found = CasePages(world.city, world.query).found(scope, case_id)
    case = Case.model_validate(found.case)
    what = {"what": "case file", "case_id": case_id, "district": case.place.district}
    world.journal.append(Kind.EXPORTED, person.id, what)
    return CaseFile(
        city=world.city.key,
        exported_at=world.clock.now(),
        exported_by=person.id,
        case=shown(found.case),
        row=CaseRow.model_validate(found.row),
        facts=[FactView.model_validate(masked(fact)) for fact in _facts(world, scope, case_id)],
        reports=sources(case),
        evidence=list(_evidence(case)),
        journal=proofs(world.journal, case_id),
    )


def _facts(world: World, scope: Scope, case_id: str) -> Iterator[dict[str, Any]]:
    after = 0
    while facts := world.query.facts(scope, case_id, after, MOST_FACTS_AT_ONCE):
        yield from facts
        after = facts[-1]["sequence"]


def _evidence(case: Case) -> Iterator[EvidenceLine]:
    for field, given in PLACES.items():
        for each in getattr(case, field):
            line = {"sha256": each.sha256, "url": each.url, "media_type": each.media_type, "captured_at": each.captured_at}
            yield EvidenceLine.model_validate({"given": given, **line})

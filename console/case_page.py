"""What a case page shows, put together from the query layer: the case masked, what may be done, why it is due then, and its neighbours.

Every case it touches is asked for with the person's scope, so that a suggestion or an alias in another district is not there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.case_query import CaseQuery, Found
from adapters.presence import Present
from console.actions import actions
from console.problems import not_found
from console.views import ActionView, CaseRow, CaseView, MergedView, PresenceView, SourceView, SuggestionView
from incidents.case import Case
from incidents.catalogue import City
from incidents.deadline_story import DeadlineStory, explain
from incidents.errors import MissingYear
from incidents.masking import masked
from incidents.places import distance_m
from incidents.rights import Permission, Person, Scope, actor_of, may, scope_of
from incidents.steps.routing import unfiled_because
from incidents.vocabulary import FactType

OUR_OWN = {"applied", "outcomes", "unfinished", "forgotten"}
"""Fields of a case that only closure needs: positions on the log, and the ids of commands that others gave."""


@dataclass(frozen=True)
class CasePages:
    """Puts pages together; blocks, for worker threads."""

    city: City
    query: CaseQuery

    def found(self, scope: Scope, case_id: str) -> Found:
        """The case as it is stored. Raises Problem 404 for one that does not exist for this scope."""
        found = self.query.case(scope, case_id)
        if found is None:
            raise not_found("case", case_id)
        return found

    def page(self, person: Person, case_id: str, present: Sequence[Present], now: datetime) -> CaseView:
        """All of it. Raises Problem 404."""
        scope = scope_of(person)
        found = self.found(scope, case_id)
        case = Case.model_validate(found.case)
        return CaseView(
            case=shown(found.case),
            row=CaseRow.model_validate(found.row),
            actions=self.actions(person, case, now),
            deadline=deadline_of(self.city, case),
            unfiled=unfiled_because(self.city, case, now),
            merged=list(self._merged(scope, case)),
            suggestions=self._suggestions(scope, case),
            reports=sources(case),
            presence=[PresenceView(person=each.person, name=each.name, doing=each.doing, until=each.until) for each in present],
        )

    def actions(self, person: Person, case: Case, now: datetime) -> list[ActionView]:
        """What this person may do with it now."""
        offered = actions(self.city, case, actor_of(person), now) if may(person, Permission.COMMAND) else ()
        return [ActionView(command=each.command, needs=list(each.needs), reason_required=each.reason_required) for each in offered]

    def _merged(self, scope: Scope, case: Case) -> Iterator[MergedView]:
        for row in self.query.some(scope, case.merged_from):
            facts = self.query.facts(scope, row["case_id"]) or []
            last = next((fact for fact in reversed(facts) if fact["type"] == FactType.MERGED), None)
            said = {name: last[name] if last else None for name in ("at", "actor")}
            reason = (last["reason"] or last["note"]) if last else None
            yield MergedView.model_validate({"row": row, **said, "reason": reason})

    def _suggestions(self, scope: Scope, case: Case) -> list[SuggestionView]:
        rows = {row["case_id"]: row for row in self.query.some(scope, case.suggested)}
        here = (case.place.lon, case.place.lat)
        return [neighbour(rows[each], here, case.first_seen) for each in case.suggested if each in rows]


def neighbour(row: dict[str, Any], here: tuple[float, float], seen: datetime, score: float | None = None) -> SuggestionView:
    """A case near a place and a moment."""
    apart = distance_m(*here, row["lon"], row["lat"])
    shown_row = CaseRow.model_validate(row)
    minutes = abs((shown_row.first_seen - seen).total_seconds()) / 60
    return SuggestionView(row=shown_row, distance_m=round(apart), minutes=round(minutes), score=score)


def shown(case: dict[str, Any]) -> dict[str, Any]:
    """The whole case as an answer shows it."""
    return {name: value for name, value in masked(case).items() if name not in OUR_OWN}


def deadline_of(city: City, case: Case) -> DeadlineStory | None:
    """Why the case is due when it is; None while no limit runs, and where the calendar lost the year."""
    try:
        return explain(city, case)
    except MissingYear:
        return None


def sources(case: Case) -> list[SourceView]:
    """Who said what of the case so far: machines by their totals, people each with their own words."""
    spoken = {statement.source for statement in case.statements}
    seen = [
        SourceView(
            source=source,
            count=total.count,
            first=total.first,
            last=total.last,
            channel=case.channel if source == case.source else None,
            reason=case.reason if source == case.source else None,
            statement=None,
        )
        for source, total in case.totals.items()
        if source not in spoken
    ]
    told = [
        SourceView(
            source=each.source,
            count=case.totals[each.source].count if each.source in case.totals else None,
            first=each.time,
            last=each.time,
            channel=each.channel,
            reason=case.reason if (each.source, each.id) == (case.source, case.report_id) else None,
            statement=masked(each.model_dump(mode="json")),
        )
        for each in case.statements
    ]
    return sorted([*seen, *told], key=lambda each: (each.first, each.source))

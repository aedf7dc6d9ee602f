"""Proof that escalations were told: from the fact to a delivery that was made, or that stands on the dead letters.

What nobody was told within a minute is `cityloop_escalations_undelivered`: alarm above 0. An escalation is watched for a day.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from adapters import metrics
from adapters.deliveries import Deliveries, Order, State
from adapters.hook_state import Escalation
from incidents.case import Fact
from incidents.vocabulary import FactType

WITHIN_MS = 60_000
WATCHED_MS = round(timedelta(days=1).total_seconds() * 1000)
PROVES = (State.DELIVERED, State.DEAD)


class Proofs:
    """The escalations whose proof is outstanding. Real time, ms."""

    def __init__(self, outstanding: Mapping[str, Escalation] | None = None) -> None:
        self._outstanding = dict(outstanding or {})
        self._changed: set[str] = set()

    def learn(self, fact: Fact, now_ms: int) -> None:
        """Watch it, if it is an escalation."""
        if fact.type is not FactType.ESCALATED:
            return
        found = Escalation(case_id=fact.case_id, sequence=fact.sequence, level=fact.case.escalated_to or "", said_ms=now_ms)
        if found.id not in self._outstanding:
            self._put(found)

    def queued(self, orders: Iterable[Order]) -> None:
        """These deliveries tell of whatever is in them."""
        if not self._outstanding:
            return
        for order in orders:
            for alert in order.notice.alerts:
                self._tells(alert.labels.get("case_id", ""), alert.sequence, order.id)

    def _tells(self, case_id: str, sequence: int, delivery: str) -> None:
        for each in [one for one in self._outstanding.values() if one.case_id == case_id and one.sequence <= sequence]:
            if delivery not in each.deliveries:
                self._put(each.model_copy(update={"deliveries": (*each.deliveries, delivery)}))

    def _put(self, escalation: Escalation) -> None:
        self._outstanding[escalation.id] = escalation
        self._changed.add(escalation.id)

    async def audit(self, queue: Deliveries, now_ms: int) -> int:
        """Let go of those that are proven; how many are overdue. Raises TryAgain and NotReady."""
        overdue = 0
        for each in list(self._outstanding.values()):
            shown = [await queue.show(delivery) for delivery in each.deliveries]
            proof = next((state for state in PROVES if any(one is not None and one.state is state for one in shown)), None)
            if proof is not None or now_ms - each.said_ms > WATCHED_MS:
                del self._outstanding[each.id]
                self._changed.add(each.id)
                metrics.ESCALATIONS_PROVEN.labels(proof or "none").inc()
            else:
                overdue += now_ms - each.said_ms > WITHIN_MS
        return overdue

    def changed(self) -> dict[str, Escalation | None]:
        """What changed since it was asked last."""
        changed, self._changed = self._changed, set()
        return {id_: self._outstanding.get(id_) for id_ in changed}

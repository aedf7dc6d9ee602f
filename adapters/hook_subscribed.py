"""What subscribers were told of a case, for `explain`: nothing is kept of it but the deliveries, whose ids can be told beforehand.

So it is remembered for as long as deliveries are: a day when they were made, 30 days on the dead letters.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from adapters.deliveries import Delivery
from adapters.hook_state import Explained
from incidents.hooks import Subscription

FACTS = 50
"""Facts of a case that is not in the hot store any more: few have as many."""

Remembered = Callable[[Sequence[str]], Awaitable[Sequence[Delivery]]]
"""Those of these deliveries that are, in order."""


async def subscribed(
    case_id: str, facts: int, subscriptions: Iterable[Subscription], remembered: Remembered
) -> list[tuple[Explained, tuple[Delivery, ...]]]:
    """By subscription and fact, what came of it. `facts` is the case's last sequence."""
    found: list[tuple[Explained, tuple[Delivery, ...]]] = []
    for each in subscriptions:
        notices = {each.notice_id(case_id, sequence): sequence for sequence in range(1, facts + 1)}
        told: dict[str, list[Delivery]] = {}
        for delivery in await remembered([f"{notice}@{target}" for notice in notices for target in each.targets]):
            told.setdefault(delivery.id.partition("@")[0], []).append(delivery)
        found += [(_explained(case_id, each, notice, notices[notice], those), tuple(those)) for notice, those in told.items()]
    return found


def _explained(case_id: str, subscription: Subscription, notice: str, sequence: int, told: Sequence[Delivery]) -> Explained:
    fact = next((each.notice.fact for each in told if each.notice is not None), None)
    return Explained(
        at=datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=told[0].queued_ms),
        receiver=subscription.name,
        node="subscription",
        group=case_id,
        reason=fact or "fact",
        why=f"fact {sequence} of the case, and subscription {subscription.name!r} wants it",
        notice=notice,
    )

"""Where a dispatcher begins that finds nothing kept: the very first one, and the first after a Redis was lost.

It learns every open case from `cases.latest`, so whatever fires is told (once more, after a loss: rather a double notice than a missed
one). The facts of the last minute are read again; after a loss those since the last commit, and of an hour at least, so that subscribers
hear again under the same ids what may have been waiting in the lost queue. What is lost: who was told what and when, and the word
"resolved" to those who had been told of a case that ended while nobody dispatched.
"""

import asyncio
import time
from dataclasses import dataclass

from adapters.bus import TopicState
from adapters.reader import between, read, spans
from config.settings import Settings
from config.topics import CASE_EVENTS, CASES_LATEST, DAY_MS, HOUR_MS
from incidents.case import Case
from incidents.errors import TryAgain, UserError
from incidents.vocabulary import ENDED

FIRST_MS = 60_000


@dataclass(frozen=True)
class Beginning:
    """From which offsets on, and what is open already."""

    offsets: dict[int, int]
    cases: list[Case]


async def beginning(settings: Settings, topic: TopicState) -> Beginning:
    """Ask Kafka; `topic` is `cases.events`, with the commits of the dispatcher's group. Raises TryAgain when it is away."""
    try:
        return await asyncio.to_thread(_ask, settings, topic)
    except UserError as error:
        raise TryAgain(str(error)) from error


def _ask(settings: Settings, topic: TopicState) -> Beginning:
    committed = {p: offset for p, (offset, topic_id) in topic.committed.items() if topic_id == topic.topic_id}
    now = round(time.time() * 1000)
    back = HOUR_MS if committed else FIRST_MS
    recent = between(settings.kafka_bootstrap, settings.named(CASE_EVENTS.name), now - back, now + DAY_MS)  # before the cases are read
    offsets = {p: max(min(span.begin, committed.get(p, span.begin)), topic.starts[p]) for p, span in recent.items()}
    latest = settings.named(CASES_LATEST.name)
    cases: dict[bytes, Case] = {}
    for record in read(settings.kafka_bootstrap, latest, spans(settings.kafka_bootstrap, latest)):
        if record.key is None:
            continue
        cases.pop(record.key, None)
        if record.value is not None and (case := Case.model_validate_json(record.value)).state not in ENDED:
            cases[record.key] = case
    return Beginning(offsets, list(cases.values()))

"""Every metric of every process: names, help and labels stand here and nowhere else; stages import the objects and count at their edges.

Prefix `cityloop_`, base units, labels from bounded sets (enums, the topics of the contract, our own stages), never an id. Counted per
batch where there is a batch. `adapters.probe` serves them; `promtool check metrics` must stay silent.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a creation time per series doubles the page and nobody asks for it

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SHORT_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AGE_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
_RECORDS = (1, 5, 20, 50, 100, 250, 500, 1000, 2000, 5000, 10_000, 50_000)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"cityloop_{name}_total", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"cityloop_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"cityloop_{name}", text, labels, buckets=buckets, registry=REGISTRY)


# Producers
PUBLISHED = _counter("published", "Reports that are durable in Kafka, by the source that brought them.", "source")
PUBLISH_FAILURES = _counter("publish_failures", "Batches that the broker did not acknowledge and that were sent again.", "source")
PUBLISH_SECONDS = _histogram("publish_seconds", "From handing a batch to the client until Kafka acknowledged it.", _SHORT_S, "source")

# Intake
REPORTS = _counter("reports", "Reports by what became of them.", "verdict")
REJECTED = _counter("rejected", "Records put on the dead letters, by reason.", "reason")
LOST = _counter("lost_records", "Records that were gone from the log before they were read.", "topic")
UNUSUAL_KEYS = _counter("unusual_keys", "Reports whose record key is not their source: legal, but their order is open.")
RECOGNISED = _counter("recognised", "Reports that this worker explained without asking the hot store.")
REPORT_AGE_SECONDS = _histogram(
    "report_age_seconds",
    "From a report's append to Kafka until its fate (intake: the oldest report of a call) or the fact of the case it opened (closure) was.",
    _LATENCY_S,
    "stage",
)
SIFT_GROUPS = _histogram("sift_groups", "Groups in one call of the sift script.", _RECORDS)
REMEMBERED = _gauge("remembered_sources", "Pairs of source and category that this worker keeps to recognise repeats.")

# Every batch stage and agent
BATCH_RECORDS = _histogram("batch_records", "Records in one batch.", _RECORDS, "stage")
BATCH_SECONDS = _histogram("batch_seconds", "Time a stage took for one batch.", _SHORT_S, "stage")
RETRIES = _counter("retries", "Batches repeated because Kafka or Redis did not answer.", "stage")
LAG = _gauge("consumer_lag_records", "Records between what a role has handled and the end of the log.", "role", "topic", "partition")
READY = _gauge("ready", "1 while a role is working: partitions assigned, engines answering, hot store complete.", "role")
REDIS_CALL_SECONDS = _histogram("redis_call_seconds", "Time of one call of a script on the hot store.", _SHORT_S, "script")
REBUILDS = _counter("rebuilds", "Times this process rebuilt the hot store from Kafka.")
REBUILD_SECONDS = _histogram("rebuild_seconds", "Time of a rebuild of the hot store.", (0.5, 1, 2, 5, 10, 30, 60, 300, 900))
LOOP_LAG_SECONDS = _histogram("loop_lag_seconds", "How late the event loop woke up a timer.", _SHORT_S)

# Cases
FACTS = _counter("facts", "Facts said on cases.events.", "fact")
COMMANDS = _counter("commands", "Commands applied to cases; outcome is accepted, refused, repeated or unchanged.", "type", "outcome")
CASE_SECONDS = _histogram("case_seconds", "City time a case spent until it reached a state, since it was opened.", _AGE_S, "state")
ROUTED = _counter("routed", "Commands that routing issued.", "type")
POSITIONS = _counter("positions", "Positions of vehicles, drones and crews taken in.")

# Tables
TABLED = _counter("tabled_facts", "Facts that the projection kept in the SQL tables.")
TABLES_LACK = _gauge("tables_lack_records", "Records of cases.events from before that the SQL tables are still being filled with.")

# Evaluation
EVALUATED = _counter("evaluated_facts", "Facts folded into the evaluation's sheets.")

# Clock
DEADLINES_FIRED = _counter("deadlines_fired", "Deadlines that came due and were told to the case.", "kind")
DEADLINES_DUE_UNFIRED = _gauge("deadlines_due_unfired", "Deadlines due for 15 s and not yet applied, counted every minute: alarm above 0.")
DEADLINES_REARMED = _counter("deadlines_rearmed", "Deadlines that a case carried and no list held, found by the audit.")
CALENDAR_MISSING_YEARS = _gauge(
    "calendar_missing_years", "Years that deadlines of the next 60 days need and the city's calendar does not know: alarm above 0."
)
CITY_CLOCK_SECONDS = _gauge("city_clock_timestamp_seconds", "The city's clock, as seconds since 1970.")
CLOCK_HELD = _gauge("clock_held", "1 while the clock stage stands still because the wall clock jumped.")
CLOCK_DRIFT_SECONDS = _gauge("clock_drift_seconds", "The wall clock against the monotonic one since this process started.")

# Console
FEED_FRAMES = _counter("feed_frames", "Facts offered to the live feed; result is told or known.", "result")
FEED_CLIENTS = _gauge("feed_clients", "Browsers that follow the live feed.")
HTTP_REQUESTS = _counter("http_requests", "Requests answered by the console, by route pattern and status class.", "route", "status")
HTTP_SECONDS = _histogram("http_request_seconds", "Time to answer a request.", _SHORT_S, "route")

# Hooks
NOTICES = _counter("notices", "Notices delivered, by why they were sent; those told in a digest count one each.", "channel", "reason")
NOTICES_FAILED = _counter("notices_failed", "Attempts to deliver a notice that failed, by Alertmanager's reasons.", "channel", "reason")
NOTICES_UNDELIVERED = _counter("notices_undelivered", "Deliveries given up and put on alerts.undelivered.", "channel")
NOTICE_AGE_SECONDS = _histogram("notice_age_seconds", "From a notice's making until its receiver had it.", _AGE_S, "channel")
HOOK_QUEUE_OLDEST_AGE_SECONDS = _gauge("hook_queue_oldest_age_seconds", "Age of the delivery that has waited longest.")
HOOK_QUEUE_DELIVERIES = _gauge("hook_queue_deliveries", "Deliveries in the queue; state is waiting (also under way) or dead.", "state")
HOOK_BREAKERS_OPEN = _gauge("hook_breakers_open", "Targets that failed five times in a row and are asked once a minute.")
HOOK_DISPATCHING = _gauge("hook_dispatching", "1 while this process is the one that decides who is told; over all of them it is 1.")
HOOK_DECISIONS = _counter("hook_decisions", "Decisions on groups of alerts, by their reason; those that tell nobody, too.", "reason")
FILES_READ = _counter(
    "files_read",
    "Configuration that changed was read while running; result is taken, or refused (the former stays in force).",
    "files",
    "result",
)
FILES_REFUSED = _gauge("files_refused", "1 while changed files are refused and the former stay in force: alarm above 0.", "files")
HOOK_TURN_SECONDS = _histogram("hook_turn_seconds", "Time of one turn of the dispatcher that had facts.", _SHORT_S)
ESCALATIONS_UNDELIVERED = _gauge(
    "escalations_undelivered", "Escalations that reached nobody and no dead letter within a minute: alarm above 0."
)
ESCALATIONS_PROVEN = _counter(
    "escalations_proven", "Escalations by the proof that they were told; result is delivered, dead, or none within a day.", "result"
)
HEARTBEATS = _counter("heartbeats", "Signs of life sent to the address outside; result is ok or failed.", "result")

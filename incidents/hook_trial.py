"""Cases tried against a city's hooks without a server and at a simulated clock: who is told what, when, and what keeps whom quiet.

Pure: real filing, routing and escalation of each case (`incidents.route_trial`), and the real board. The command line holds it against
what a file expects (`cityloop hooks test`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.alerts import alert_of
from incidents.catalogue import City
from incidents.notice_board import Board, BoardRules, Hit, Quiet, Told
from incidents.notice_decide import Silence
from incidents.notices import Alert
from incidents.places import Locate
from incidents.route_trial import Trial, lived
from incidents.vocabulary import State

QUIET = {Quiet.INHIBITED: "inhibited", Quiet.SILENCED: "silenced", Quiet.MUTED: "muted", Quiet.INACTIVE: "muted"}


@dataclass(frozen=True, slots=True)
class Word:
    """A notice of the trial: `after` the beginning; the names of the cases in it, those that are over apart.

    What both kinds of a receiver's targets hear in the same words (with and without resolved ones) is one.
    """

    after: timedelta
    receiver: str
    reason: str
    cases: tuple[str, ...]
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was said. `quiet` are the names of the cases by what kept them from being told: inhibited, silenced, muted."""

    words: tuple[Word, ...]
    quiet: dict[str, tuple[str, ...]]
    hits: dict[str, Hit]
    told: tuple[Told, ...] = field(repr=False)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Everybody who was told something."""
        return tuple(sorted({word.receiver for word in self.words}))


def alerts_of(city: City, trial: Trial, locate: Locate, ends_at: datetime | None) -> list[tuple[datetime, Alert]]:
    """What a case is as an alert over time, when nobody acts; from `ends_at` on it is closed. Raises UserError."""
    found: list[tuple[datetime, Alert]] = []
    for at, case in lived(city, trial, locate):
        alert = alert_of(city, case.model_copy(update={"case_id": trial.name}))
        if alert is not None and (ends_at is None or at < ends_at):
            found.append((at, alert))
    if ends_at is not None and found:
        last = found[-1][1]
        said = {**last.annotations, "state": State.CLOSED.value, "ended_as": "closed"}
        over = {"ends_at": ends_at, "sequence": last.sequence + 1, "annotations": said}
        found.append((ends_at, last.model_copy(update=over)))
    return found


def run(
    rules: BoardRules, alerts: Iterable[tuple[datetime, Alert]], silences: Sequence[Silence], begin: datetime, end: datetime
) -> Outcome:
    """Everything that is said from the beginning to the end, which belongs to it."""
    board, told = Board(rules), list[Told]()
    board.silence(silences)
    for at, alert in sorted(alerts, key=lambda each: (each[0], each[1].sequence, each[1].fingerprint)):
        if at > end:
            break
        told += _until(board, at, before=True)
        board.learn(alert, at)
    told += _until(board, end)
    return Outcome(tuple(dict.fromkeys(_words(told, begin))), _quiet(told), board.hits(), tuple(told))


def _until(board: Board, at: datetime, *, before: bool = False) -> list[Told]:
    """Let the board have its moments up to this one; what happens at a moment happens before what is told at it."""
    told: list[Told] = []
    while (moment := board.next_at()) is not None and (moment < at or (moment == at and not before)):
        told += board.due(moment)
    return told


def _words(told: Iterable[Told], begin: datetime) -> Iterable[Word]:
    for each in told:
        if each.notice is not None:
            firing = tuple(sorted(_name(alert) for alert in each.notice.alerts if alert.status(each.at) == "firing"))
            over = tuple(sorted(_name(alert) for alert in each.notice.alerts if alert.status(each.at) == "resolved"))
            yield Word(each.at - begin, each.receiver, each.notice.reason, firing, over)


def _quiet(told: Iterable[Told]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {name: set() for name in QUIET.values()}
    for each in told:
        if isinstance(each.reason, Quiet):
            found[QUIET[each.reason]].update(map(_name, each.alerts))
    return {name: tuple(sorted(names)) for name, names in found.items()}


def _name(alert: Alert) -> str:
    return alert.labels["case_id"]

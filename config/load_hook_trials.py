"""A file of cases with who is to be told of them (`hooks.test.toml`), read and tried: every mistake and difference with its line."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from config.documents import Problem, Problems
from config.nested import NestedDocument
from config.notice_tree import duration_of, matcher_of
from incidents.catalogue import City, Frozen
from incidents.errors import UserError
from incidents.hook_trial import Outcome, Word, alerts_of, run
from incidents.notice_board import BoardRules
from incidents.notice_decide import Silence
from incidents.notices import Alert
from incidents.places import Locate
from incidents.route_trial import Expected, Trial, moment
from incidents.vocabulary import Channel, Severity

FILE = "hooks.test.toml"
QUIET = ("inhibited", "silenced", "muted")
Span = Annotated[timedelta, BeforeValidator(lambda text: duration_of(text) if isinstance(text, str) else text)]


def _matchers(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        matcher_of(text)
    return texts


class TriedCase(Frozen):
    """A case: what is reported, where, how long after the beginning; `ends` is when it is closed. Nobody else does anything with it."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=60)
    category: str
    condition: str | None = None
    channel: Channel = Channel.LOW_VIDEO
    severity: Severity | None = None
    lon: float
    lat: float
    after: Span = timedelta()
    ends: Span | None = None


class TriedSilence(Frozen):
    """A silence, from `after` the beginning on."""

    matchers: Annotated[tuple[str, ...], AfterValidator(_matchers)] = Field(min_length=1)
    after: Span = timedelta()
    lasts: Span


class ExpectedWord(Frozen):
    """A notice: when, to whom, and as far as named why, of which cases, and which of them are over."""

    after: Span
    receiver: str
    reason: str | None = None
    cases: tuple[str, ...] | None = None
    over: tuple[str, ...] | None = None


class Expectation(Frozen):
    """What a file says of the outcome; what it does not name is not compared. `told` is the whole story, `receivers` only who."""

    told: tuple[ExpectedWord, ...] | None = None
    receivers: tuple[str, ...] | None = None
    inhibited: tuple[str, ...] | None = None
    silenced: tuple[str, ...] | None = None
    muted: tuple[str, ...] | None = None


class HookTrial(Frozen):
    """One trial of a file. A time without an offset is the city's."""

    name: str
    at: datetime
    lasts: Span = timedelta(hours=1)
    cases: tuple[TriedCase, ...] = Field(min_length=1)
    silences: tuple[TriedSilence, ...] = ()
    expect: Expectation


class TriedHook(NamedTuple):
    """A trial and what came of it."""

    trial: HookTrial
    outcome: Outcome


def try_hooks(
    path: Path, city: City, rules: BoardRules, locate: Locate, at: datetime | None = None
) -> tuple[list[TriedHook], list[Problem]]:
    """All trials of the file that could be run, and what is wrong or otherwise than expected, by line.

    `at` is the beginning of those that name none.
    """
    problems = Problems()
    document = problems.read(path)
    if document.broken:
        return [], problems
    document = NestedDocument.of(document, path.read_text("utf-8"))
    document.only("trial")
    done: list[TriedHook] = []
    for number, row in enumerate(document.rows("trial")):
        trial = document.model(HookTrial, row if at is None else {"at": at, **row}, "trial", number)
        if trial is None:
            continue
        try:
            outcome = tried(city, rules, trial, locate)
        except UserError as error:
            document.problem(f"{trial.name}: {error}", "trial", number)
            continue
        done.append(TriedHook(trial, outcome))
        for field, message in differences(trial.expect, outcome):
            document.problem(f"{trial.name}: {message}", "trial", number, "expect", field)
    if not document.rows("trial"):
        document.problem("no [[trial]] in the file: nothing was tried")
    return done, sorted(set(problems), key=lambda problem: problem.line or 0)


def tried(city: City, rules: BoardRules, trial: HookTrial, locate: Locate) -> Outcome:
    """What comes of a trial. Raises UserError when a case of it cannot be."""
    begin = moment(city, trial.at)
    alerts: list[tuple[datetime, Alert]] = []
    for each in trial.cases:
        reported = Trial(at=begin + each.after, expect=Expected(), **each.model_dump(exclude={"after", "ends"}))
        alerts += alerts_of(city, reported, locate, None if each.ends is None else begin + each.ends)
    silences = [
        Silence(f"{number}", tuple(map(matcher_of, each.matchers)), begin + each.after, begin + each.after + each.lasts)
        for number, each in enumerate(trial.silences, 1)
    ]
    return run(rules, alerts, silences, begin, begin + trial.lasts)


def differences(expected: Expectation, outcome: Outcome) -> list[tuple[str, str]]:
    """What is otherwise than expected: the field, and both said."""
    found: list[tuple[str, str]] = []
    if expected.receivers is not None and set(expected.receivers) != set(outcome.receivers):
        found.append(("receivers", f"told are {_list(outcome.receivers)}, expected {_list(expected.receivers)}"))
    for name in QUIET:
        wanted = getattr(expected, name)
        if wanted is not None and set(wanted) != set(outcome.quiet[name]):
            found.append((name, f"{name} are {_list(outcome.quiet[name])}, expected {_list(wanted)}"))
    if expected.told is not None and not _same(expected.told, outcome.words):
        said = "; ".join(map(word_told, outcome.words)) or "nothing"
        found.append(("told", f"told is {said}"))
    return found


def _same(expected: tuple[ExpectedWord, ...], words: tuple[Word, ...]) -> bool:
    """Whether they are the same story; what is told at one moment may stand in any order."""
    left = list(words)
    for wanted in expected:
        fits = next((word for word in left if _fits(wanted, word)), None)
        if fits is None:
            return False
        left.remove(fits)
    return not left


def _fits(wanted: ExpectedWord, word: Word) -> bool:
    return (
        (wanted.after, wanted.receiver) == (word.after, word.receiver)
        and wanted.reason in (None, word.reason)
        and (wanted.cases is None or set(wanted.cases) == set(word.cases))
        and (wanted.over is None or set(wanted.over) == set(word.over))
    )


def word_told(word: Word) -> str:
    """A notice in words: `30s desk "first notification" a b, over: c`."""
    over = f", over: {' '.join(word.over)}" if word.over else ""
    return f"{span_told(word.after)} {word.receiver} ({word.reason}) {' '.join(word.cases)}{over}".rstrip()


def span_told(span: timedelta) -> str:
    """A duration as a file writes it.

    >>> span_told(timedelta(hours=1, seconds=30))
    '1h30s'
    """
    seconds = span.total_seconds()
    parts = [(int(seconds // 86_400), "d"), (int(seconds % 86_400 // 3_600), "h"), (int(seconds % 3_600 // 60), "m"), (seconds % 60, "s")]
    return "".join(f"{number:g}{unit}" for number, unit in parts if number) or "0s"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "nobody"

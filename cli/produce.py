"""`cityloop produce`, and what `replay` and `simulate` share with it: run a source onto the topic or into a file, and say how it went."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Annotated

import typer

from adapters.boundaries import locator
from adapters.log import configure_logging
from adapters.metrics import PUBLISHED
from adapters.probe import Probe
from adapters.producer import FileBus, KafkaBus
from adapters.seals import open_sealer
from cli.output import AsJson, out, say, table
from config.load import load_city
from config.settings import Settings, load_settings
from config.topics import REPORTED
from incidents.errors import UserError
from producers.base import Source, Surroundings, kinds, options_of
from producers.pace import Pace, pace_of
from producers.progress import Display, summary
from producers.run import Bus, Outcome, Shown, Wishes, run, stop_on_signals
from producers.sealing import SealedBus

Out = Annotated[Path | None, typer.Option(help="Write the values as lines into this file (`-` is stdout) instead of Kafka.")]
Limit = Annotated[int | None, typer.Option(min=0, help="End after so many records.")]

SELDOM = (100_000, 50, 1000)


@dataclass(frozen=True, slots=True)
class Request:
    """What a command wants of a run; `label` names the kind of source in metrics and on screen."""

    label: str
    pace: Pace
    out: Path | None = None
    limit: int | None = None
    truth: Path | None = None
    as_json: bool = False


def register(app: typer.Typer) -> None:
    """Adds `produce`."""
    app.command("produce")(produce)


def produce(
    name: Annotated[str | None, typer.Argument(help="Kind of source; without it: the kinds there are, with their options.")] = None,
    options: Annotated[list[str] | None, typer.Argument(help="Its options, as `name=value`.")] = None,
    speed: Annotated[str, typer.Option(help="`max`, `real`, `x60` or `500/s`.")] = "max",
    limit: Limit = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write lines into this file instead of Kafka.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run any kind of source; a new kind is one file in producers/sources/.

    Example: `cityloop produce replay file=requests.csv.gz mapping=boston --speed x60`
    """
    if name is None:
        out(_offered(), as_json, lambda rows: table(("kind", "about", "options"), [tuple(row.values()) for row in rows]))
        return
    known = kinds()
    if name not in known:
        raise UserError(f"no kind of source {name!r}; there are: {', '.join(sorted(known))}")
    given = dict(_pair(option) for option in options or [])
    settings = load_settings()
    source = known[name].open(options_of(known[name], given), surroundings(settings))
    send(source, settings, Request(name, pace_of(speed), out_file, limit, None, as_json))


def _offered() -> list[dict[str, str]]:
    return [{"kind": kind.name, "about": kind.about, "options": ", ".join(kind.options.model_fields)} for kind in kinds().values()]


def _pair(option: str) -> tuple[str, str]:
    name, sign, value = option.partition("=")
    if not sign:
        raise UserError(f"option {option!r} is no `name=value`")
    return name, value


def surroundings(settings: Settings) -> Surroundings:
    """The world of a source; the geography is only read when a source asks for it. Raises UserError for a wrong configuration."""
    city = load_city(settings)
    return Surroundings(city, settings.config_dir, lambda: locator(city, settings))


def send(source: Source, settings: Settings, request: Request) -> None:
    """Run the source to its end, a limit or a signal; print the outcome. Raises UserError when not all that was to be sent is durable."""
    topic = settings.named(REPORTED.name)
    where = str(request.out) if request.out else f"{topic} on {settings.kafka_bootstrap}"
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(*SELDOM)  # tens of thousands of views and records under way live long: walking them again and again costs a third
        bus = _bus(settings, request, stack)
        truth = stack.enter_context(_writing(request.truth)) if request.truth else None
        shown: Shown = stack.enter_context(Display(request.label))
        counted = None
        if not request.out:
            counted, shown = PUBLISHED.labels(source=request.label), stack.enter_context(_answering(settings, request.label, shown))
        outcome = run(source, bus, Wishes(request.pace, request.limit, truth, counted, shown), stop)
    _tell(outcome, where, request)


def _bus(settings: Settings, request: Request, stack: ExitStack) -> Bus:
    """Kafka, with what is personal sealed; or a file, as the source has it."""
    if request.out:
        file = FileBus(request.out)
        stack.callback(file.close)
        return file
    sealer = stack.enter_context(open_sealer(settings))
    kafka = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
    stack.callback(kafka.close)
    return SealedBus(kafka, sealer.seal_value)


def _tell(outcome: Outcome, where: str, request: Request) -> None:
    say(summary(outcome, where))
    if request.as_json:
        out({"where": where} | asdict(outcome), as_json=True, render=str)
    if outcome.failure:
        raise UserError(f"{outcome.failure} ({outcome.durable:,} of {outcome.sent:,} records are durable)")


class _Beating:
    """Shows a run and lets its probe know that it is alive."""

    def __init__(self, shown: Shown, probe: Probe) -> None:
        self._shown = shown
        self._probe = probe

    def show(self, outcome: Outcome, progress: float | None, behind_s: float) -> None:
        self._probe.beat()
        self._shown.show(outcome, progress, behind_s)


@contextmanager
def _answering(settings: Settings, label: str, shown: Shown) -> Iterator[Shown]:
    """/metrics, /healthz and /readyz while the run lasts."""
    configure_logging(settings, label)
    probe = Probe(settings.metrics_host, settings.metrics_port, lambda: {label: True})
    probe.start()
    try:
        yield _Beating(shown, probe)
    finally:
        probe.stop()


@contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    with file:
        yield file

"""The console's world on its real engines: everything a process of the console opens at its start, in one place.

Redis must answer (the clock lives there) and the database be of this program's revision; Kafka may be away and come later.
"""

import asyncio

from adapters.asked import AskedCommands
from adapters.boundaries import locator, outlines
from adapters.bus import Bus, Publisher
from adapters.case_query import CaseQuery
from adapters.clock import CityClock, open_clock
from adapters.console_view import ConsoleView
from adapters.database import open_database
from adapters.evidence import open_evidence
from adapters.followed import Followed
from adapters.hook_view import HookView
from adapters.hot import Keys, connect
from adapters.journal import open_journal
from adapters.links import Links
from adapters.posted import PostedAlerts
from adapters.presence import Presences
from adapters.seals import make_sealer
from adapters.secrets import load_secrets
from adapters.signers import open_signers
from adapters.silences import Silences
from adapters.told_reports import ReportLog
from config.load import city_folder, load_city
from config.load_duty import FILES as DUTY_FILES
from config.load_duty import load_duty
from config.load_hooks import FILE as HOOKS
from config.load_hooks import load_hooks
from config.load_indicators import load_evaluation
from config.mappings import load_mapping
from config.settings import Settings
from config.topics import REPORTED
from console.access import open_access
from console.alerts_in import AlertsIn, Ways
from console.answers import Answers
from console.commands import Commands, Ports
from console.counters import Counters
from console.evidence import Evidences
from console.feed import Hub
from console.figures import Figures
from console.reports import Reports
from console.words import catalogue, labelled, layers_of
from console.world import World
from handlers.receivers import kinds
from incidents.mapping import Mapping


async def open_world(settings: Settings, clock: CityClock | None = None, publisher: Bus | None = None) -> World:
    """The world of these settings; `clock` and `publisher` None: those that they name.

    Raises UserError for what a person must mend first, TryAgain when Redis or the database is away.
    """
    secrets = load_secrets(settings)
    city = load_city(settings)
    database = open_database(settings)
    await asyncio.to_thread(database.upgrade)
    keys = Keys(settings.namespace, settings.city)
    if clock is None:
        clock = await open_clock(settings, connect(settings.redis_url), keys)
    publisher = publisher or Publisher(settings.kafka_bootstrap)
    folder, redis, view = city_folder(settings), connect(settings.redis_url), ConsoleView.open(settings)
    asked, journal = AskedCommands(redis, keys), open_journal(settings, database, secrets)
    answers, sealer = Answers(asked), make_sealer(settings, database, secrets)
    reports = Reports(city, settings.named(REPORTED.name), clock, publisher, sealer)
    query = CaseQuery(database, city, clock.now)
    evidence = Evidences(open_evidence(settings, database), clock, city.time_zone, lambda scope, ids: bool(query.some(scope, list(ids))))
    return World(
        settings=settings,
        city=city,
        catalogue=catalogue(city) | layers_of(settings),
        outlines=labelled(await asyncio.to_thread(outlines, city, settings)),
        locate=await asyncio.to_thread(locator, city, settings),
        hub=Hub(view),
        counters=Counters(settings),
        clock=clock,
        database=database,
        query=query,
        figures=Figures(settings, city, load_evaluation(settings)),
        reports_log=ReportLog(settings, city),
        access=await asyncio.to_thread(open_access, settings, city, database, secrets),
        journal=journal,
        evidence=evidence,
        publisher=publisher,
        sealer=sealer,
        reports=reports,
        mappings=load_mappings(settings),
        answers=answers,
        commands=Commands(settings, city, Ports(view, asked, answers, publisher, journal, clock, evidence)),
        presences=Presences(redis, keys),
        roster=Followed("duty", [folder / name for name in DUTY_FILES], lambda: load_duty(settings, city)),
        links=Links(secrets),
        hooks=Followed("hooks", [folder / HOOKS], lambda: load_hooks(settings, city, kinds())),
        signers=open_signers(settings),
        silences=Silences(database, settings.named(settings.city), journal.append),
        hook_view=HookView(settings),
        alerts=AlertsIn(settings, city, PostedAlerts(database, settings.named(settings.city)), Ways(reports, publisher, view, clock)),
    )


def load_mappings(settings: Settings) -> dict[str, Mapping]:
    """The city's mappings by name. Raises ConfigError with file and line."""
    folder = settings.config_dir / "cities" / settings.city / "mappings"
    return {path.stem: load_mapping(path.stem, settings.config_dir, settings.city) for path in sorted(folder.glob("*.toml"))}

"""How a demo shows its story: a live board on a terminal, plain lines where there is none, and the summary at the end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli import case_story
from cli.accounts import DemoAccount
from cli.demo_examples import TURNS
from cli.demo_story import Story, Told
from cli.output import table
from cli.words import both, named
from incidents.case import Fact
from incidents.catalogue import City
from incidents.refusals import ROLES
from incidents.vocabulary import FactType

F = FactType
VERDICTS = ("opened", "merged", "held", "resent", "rejected", "lost")
WAY = (F.OPENED, F.FILED, F.DISPATCHED, F.ACCEPTED, F.HANDLED, F.CHECK_PASSED, F.CLOSED)
DETOURS = (F.VERIFIED, F.NOT_FOUND, F.NOT_FILED, F.VOIDED, F.RETURNED, F.ARBITRATED, F.CHECK_FAILED, F.EXTENDED, F.SUSPENDED)
PRESSURE = (F.REMINDED, F.OVERDUE, F.ESCALATED, F.ACKNOWLEDGED)
BAD = frozenset({F.RETURNED, F.CHECK_FAILED, F.OVERDUE, F.ESCALATED, F.VOIDED, F.NOT_FILED, F.NOT_FOUND})


class View:
    """Renders one story of one city."""

    def __init__(self, city: City, story: Story, page: str, receiver: str, accounts: Sequence[DemoAccount]) -> None:
        self._city = city
        self._story = story
        self._page = page
        self._receiver = receiver
        self._accounts = accounts
        self._zone = ZoneInfo(city.time_zone)

    def accounts(self) -> Iterator[str]:
        """Lines that say with what one signs in where."""
        yield f"sign in with one of these accounts; for phones: {self._page}field"
        width = max(len(each.account) for each in self._accounts)
        for each in self._accounts:
            yield f"  {each.account:<{width}}  {each.password}  {ROLES[each.role]}{f'  {each.unit}' if each.unit else ''}"

    def board(self) -> RenderableType:
        """The live board."""
        accounts = Text("\n".join(self.accounts()), style="dim")
        parts = (self._heading(), self._balance(), self._figures(), self._news(), accounts)
        return Panel(Group(*parts), title="cityloop demo", subtitle="Ctrl-C: 结束并对账 end and audit", border_style="cyan")

    def line(self, seconds: float) -> str:
        """One plain line of progress."""
        told, figures = self._story.told, self._story.counters.figures()
        facts = told.facts
        return (
            f"{seconds:4.0f} s  city {self._moment(self._story.city_time())}  reports {figures['reported']:,}"
            f"  opened {figures['opened']:,}  merged {figures['merged']:,}  held {figures['held']:,}  rejected {figures['rejected']:,}"
            f"  filed {facts[F.FILED]:,}  returned {facts[F.RETURNED]:,}  reworked {facts[F.CHECK_FAILED]:,}  closed {facts[F.CLOSED]:,}"
            f"  report → case p50 {_seconds(told.wait_s(0.5))} p99 {_seconds(told.wait_s(0.99))}"
        )

    def summary(self, audit: Mapping[str, Any]) -> RenderableType:
        """The end of the story, and the audit's sum."""
        told = self._story.told
        exact = bool(audit["exact"])
        total = " + ".join(f"{audit[verdict]:,} {verdict}" for verdict in VERDICTS[:5])
        verdict = "账目相符 every report is accounted for" if exact else "账目不符 NOT every report is accounted for"
        failed = [f"  ✗ {name}: {check['detail']}" for name, check in audit["checks"].items() if not check["ok"]]
        lines = [
            Text(f"{audit['reported']:,} reported = {total}; {audit['lost']:,} lost"),
            Text("\n".join([verdict, *failed]), style="bold green" if exact else "bold red"),
        ]
        when = Text(f"城市时间 city time {self._moment(self._story.city_time())}; 在办 open {told.open:,}, 已了结 over {told.ended:,}")
        parts = (when, self._figures(), Text(), *self._examples(), Text(), *lines)
        return Panel(Group(*parts), title="cityloop demo", border_style="green" if exact else "red")

    def _examples(self) -> Iterator[RenderableType]:
        """One ended case for every turn that a case can take, and the story of the one that took most, as `case show` tells it."""
        examples = self._story.examples
        rows = Table.grid(padding=(0, 2))
        for turn in TURNS:
            rows.add_row(Text(both("fact", turn)), Text(examples.ended.get(turn, "–"), style="dim"))
        yield Text("已了结的案例 cases that took a turn and are over (`cityloop case show CASE`)", style="bold")
        yield rows
        if (richest := examples.richest()) is not None:
            case_id, story = richest
            opened = datetime.fromisoformat(story[0].data["at"])
            yield Text(f"\n{case_id}", style="bold")
            yield table(case_story.HEAD, (case_story.line(self._city, each.fact, each.sequence, each.data, opened) for each in story))

    def _heading(self) -> RenderableType:
        told = self._story.told
        row = Table.grid(padding=(0, 3), expand=True)
        row.add_column()
        row.add_column(justify="right")
        row.add_row(
            Text.assemble((f"{self._city.name.zh} {self._city.name.en}  ", "bold"), (self._moment(self._story.city_time()), "bold cyan")),
            Text.assemble("page ", (self._page, "underline cyan"), "  notices ", (self._receiver, "underline cyan")),
        )
        waits = f"report → case p50 {_seconds(told.wait_s(0.5))}, p99 {_seconds(told.wait_s(0.99))}"
        row.add_row(Text(f"在办 open {told.open:,}   已了结 over {told.ended:,}"), Text(waits, style="dim"))
        return row

    def _balance(self) -> RenderableType:
        figures = self._story.counters.figures()
        row = Table.grid(padding=(0, 2))
        keys = ("reported", *VERDICTS, "pending")
        row.add_row(*(Text(both("figure", key), style="dim") for key in keys))
        signs = {"reported": "", "opened": "= "}
        row.add_row(*(Text(f"{signs.get(key, '+ ')}{figures[key]:,}", style="bold" if figures[key] else "dim") for key in keys))
        return Panel(row, border_style="dim")

    def _figures(self) -> RenderableType:
        columns = Table.grid(padding=(0, 5))
        columns.add_row(*(_counts(self._story.told, facts) for facts in (WAY, DETOURS, PRESSURE)))
        return columns

    def _news(self) -> RenderableType:
        rows = Table.grid(padding=(0, 2))
        for fact in reversed(self._story.told.latest):
            rows.add_row(*self._row(fact))
        return Panel(rows, title="最新动态 latest facts", title_align="left", border_style="dim", height=9)

    def _row(self, fact: Fact) -> tuple[Text, ...]:
        case = fact.case
        category, unit = self._city.catalogue.get(case.category), self._city.unit_by_key.get(case.unit or "")
        style = "red" if fact.type in BAD else "green" if fact.type is F.CLOSED else ""
        return (
            Text(f"{fact.at.astimezone(self._zone):%H:%M}", style="dim"),
            Text(both("fact", fact.type), style=style),
            Text(named(category.name if category else None, case.category) or ""),
            Text(named(unit.name if unit else None, case.unit) or "", style="dim"),
        )

    def _moment(self, at: datetime) -> str:
        return "…" if at.year < 2000 else f"{at.astimezone(self._zone):%m-%d %H:%M}"


def _counts(told: Told, facts: tuple[FactType, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for fact in facts:
        count = told.facts[fact]
        table.add_row(Text(both("fact", fact), style="" if count else "dim"), Text(f"{count:,}", style="bold" if count else "dim"))
    return table


def _seconds(found: float | None) -> str:
    return "–" if found is None else f"{found:.2f} s"

"""`cityloop hooks test`: who would be told of cases, when, and what would keep them quiet; no server is needed."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.boundaries import locator
from cli.output import AsJson, out
from config.documents import Problem
from config.load import city_folder, load_city
from config.load_hook_trials import FILE, TriedHook, try_hooks, word_told
from config.load_hooks import FILE as HOOKS
from config.load_hooks import load_hooks
from config.settings import load_settings
from handlers.receivers import kinds
from incidents.errors import UserError


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("test")(test)


def test(
    file: Annotated[Path | None, typer.Argument(help=f"Trials in TOML; the city's own {FILE} when not given.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"],
            help="When trials begin that name no time; without an offset it is the city's.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try the cases of a file against who is expected to hear of them: routing, grouping, mutes, silences, inhibition, escalation.

    The cases are filed, routed and escalated by the city's own rules while nobody acts, at a simulated clock. Rules of hooks.toml that no
    trial touched are named. Exit code 1 when something is otherwise than expected; each difference is told with file and line.

    Example: `cityloop hooks test hooks.test.toml --at 2026-10-08T09:00`
    """
    settings = load_settings()
    city = load_city(settings)
    hooks = load_hooks(settings, city, kinds())
    if hooks is None:
        raise UserError(f"{settings.city} has no {HOOKS}, so nobody is told anything; docs/hooks.md shows one")
    path = file or city_folder(settings) / FILE
    if not path.is_file():
        raise UserError(f"no file {path}; docs/hooks.md shows one")
    done, problems = try_hooks(path, city, hooks.rules, locator(city, settings), at)
    answer = _answer(done, problems)
    out(answer, as_json, lambda _: "\n".join(_lines(done, problems, answer["untouched"])))
    if problems:
        raise typer.Exit(1)


def _answer(done: list[TriedHook], problems: list[Problem]) -> dict[str, Any]:
    rules = {name for each in done for name in each.outcome.hits}
    touched = {name for each in done for name, hit in each.outcome.hits.items() if hit.times}
    return {
        "tried": len(done),
        "problems": [problem._asdict() for problem in problems],
        "untouched": sorted(rules - touched),
        "trials": [
            {"name": each.trial.name, "told": [word_told(word) for word in each.outcome.words], **each.outcome.quiet} for each in done
        ],
    }


def _lines(done: list[TriedHook], problems: list[Problem], untouched: list[str]) -> list[str]:
    lines = [*map(str, problems)]
    for each in done:
        lines.append(each.trial.name)
        lines += [f"  {word_told(word)}" for word in each.outcome.words] or ["  nobody is told"]
        lines += [f"  {what}: {' '.join(names)}" for what, names in each.outcome.quiet.items() if names]
    lines += [f"no trial touched {rule}" for rule in untouched]
    return [*lines, f"{len(done)} tried, {len(problems)} otherwise than expected"]

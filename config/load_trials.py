"""A file of cases with what is expected of them (`routes.test.toml`), read and tried: every mistake and difference with its line."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from config.documents import Document, Problem, Problems, Row
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.places import Locate
from incidents.route_trial import Answer, Expected, Step, Trial, differences, tried

FILE = "routes.test.toml"


class Tried(NamedTuple):
    """One case of the file and what the rules do with it."""

    trial: Trial
    answer: Answer


def try_file(path: Path, city: City, locate: Locate) -> tuple[list[Tried], list[Problem]]:
    """All cases of the file that could be tried, and what is wrong or otherwise than expected; the problems by line."""
    problems = Problems()
    document = problems.read(path)
    document.only("case")
    done: list[Tried] = []
    for number, row in enumerate(document.rows("case")):
        trial = _trial(document, number, row)
        if trial is None:
            continue
        try:
            answer = tried(city, trial, locate)
        except UserError as error:
            document.problem(f"{trial.name}: {error}", "case", number)
            continue
        done.append(Tried(trial, answer))
        for field, wanted, found in differences(city, trial.expect, answer):
            said = f"{trial.name}: {field} is {told(city, found)}, expected {told(city, wanted)}"
            document.problem(said, "case", number, "expect", field)
    if not document.broken and not document.rows("case"):
        document.problem("no [[case]] in the file: nothing was tried")
    return done, sorted(set(problems), key=lambda problem: problem.line or 0)


def _trial(document: Document, number: int, row: Row) -> Trial | None:
    if not isinstance(row.get("expect"), dict):
        return document.model(Trial, row, "case", number)
    expect = document.model(Expected, row["expect"], "case", number, "expect")
    return None if expect is None else document.model(Trial, {**row, "expect": expect}, "case", number)


def told(city: City, value: object) -> str:
    """A value of an answer in words; times are the city's."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return f"{value.astimezone(city.worktime.zone):%Y-%m-%dT%H:%M:%S}"
    if isinstance(value, tuple):
        return "; ".join(told(city, each) for each in value) or "none"
    if isinstance(value, Step):
        return f"{told(city, value.at)} {value.what}{f' {value.level}' if value.level else ''}"
    return str(value)

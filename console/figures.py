"""The evaluation's figures for the API, read from the sheets that the worker keeps. Blocks; for worker threads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.evaluation_store import Sheets, read_only
from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import TryAgain, UserError
from incidents.events import epoch_ms
from incidents.indicators import Dimension, Evaluation, Indicator, figures
from incidents.periods import Days, Period, month_of, period
from incidents.ranking import name_of, rank
from incidents.rights import Scope


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose cases, in which period (None: this month), by what, and which indicators (none: all)."""

    scope: Scope
    period: str | None
    by: Dimension = Dimension.UNIT
    indicators: tuple[str, ...] = ()


class Figures:
    """Every method raises TryAgain while the worker has not made the sheets, UserError for what the city does not count."""

    def __init__(self, settings: Settings, city: City, evaluation: Evaluation) -> None:
        self._settings = settings
        self._city = city
        self._evaluation = evaluation

    def show(self, asked: Asked) -> dict[str, Any]:
        """The figures of a dimension, `{"period", "as_of", "rules", "figures"}`."""
        rows = self._rows(asked.indicators)
        chosen = period(asked.period) if asked.period else None
        with self._sheets() as (sheets, at_ms):
            chosen = chosen or self._this_month(at_ms)
            counts = sheets.tally(chosen, at_ms, (asked.by,), asked.scope)
        return self._head(chosen, at_ms) | {"figures": [self._named(each.as_dict()) for each in figures(rows, counts, asked.by)]}

    def scores(self, asked: Asked) -> dict[str, Any]:
        """The units' ranking, `{"period", "as_of", "rules", "units"}`."""
        chosen = period(asked.period) if asked.period else None
        with self._sheets() as (sheets, at_ms):
            chosen = chosen or self._this_month(at_ms)
            units = rank(self._city, self._evaluation, sheets.tally(chosen, at_ms, (Dimension.UNIT,), asked.scope))
        named = [{**unit, "parts": [self._named(part) for part in unit["parts"].values()]} for unit in units]
        return self._head(chosen, at_ms) | {"units": named}

    def _rows(self, keys: tuple[str, ...]) -> list[Indicator]:
        unknown = [key for key in keys if key not in self._evaluation.by_key]
        if unknown:
            raise UserError(f"indicator: there is no {unknown[0][:64]!r}; there are {', '.join(self._evaluation.by_key)}")
        return [row for row in self._evaluation.indicators if not keys or row.key in keys]

    @contextmanager
    def _sheets(self) -> Iterator[tuple[Sheets, int]]:
        try:
            with read_only(self._settings, self._city) as sheets:
                yield sheets, sheets.told_ms() or epoch_ms(datetime.now(UTC))
        except UserError as error:  # not made yet, or by another version: a worker makes them
            raise TryAgain(str(error)) from error

    def _this_month(self, at_ms: int) -> Period:
        return month_of(Days(self._city.time_zone).of(at_ms))

    def _head(self, chosen: Period, at_ms: int) -> dict[str, Any]:
        return {"period": chosen.text, "as_of": datetime.fromtimestamp(at_ms / 1000, UTC), "rules": self._evaluation.rules}

    def _named(self, figure: Mapping[str, Any]) -> dict[str, Any]:
        name = self._evaluation.by_key[figure["indicator"]].name
        value_name = name_of(self._city, Dimension(figure["dimension"]), figure["value"])
        return {**figure, "name": name.model_dump(), "value_name": value_name and value_name.model_dump()}

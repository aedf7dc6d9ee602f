"""Datums and the origin of a city's outlines, as values: below the catalogue, so that reports and cities can both name them."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Datum(StrEnum):
    """The reference system a coordinate was given in; everything is stored as WGS-84."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class ShapeSource(StrEnum):
    """Where the outlines of the districts come from (`adapters.boundaries`)."""

    CNMAPS = "cnmaps"
    FILE = "file"
    SCHEMATIC = "schematic"


class Boundaries(BaseModel):
    """Outlines of the districts and the datum they are given in; `file` is relative to the city's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: ShapeSource = ShapeSource.SCHEMATIC
    datum: Datum = Datum.WGS84
    file: str | None = None

"""Figures as they are told: the units of a city ranked by their scores, and what people call a value of a dimension."""

from typing import Any

from incidents.catalogue import City, Named
from incidents.indicators import Anchor, Dimension, Evaluation, Tally, figures, score


def rank(city: City, evaluation: Evaluation, counts: Tally) -> list[dict[str, Any]]:
    """Units by adjusted score, the best first; those without anything to do last."""
    parts = [evaluation.by_key[part.indicator] for part in evaluation.score]
    units = []
    for unit, cases in counts[Anchor.DUE, Dimension.UNIT].items():
        if unit in city.unit_by_key:
            raw, adjusted = score(evaluation, cases)
            found = {
                each.indicator.key: each.as_dict() for each in figures(parts, {(Anchor.DUE, Dimension.UNIT): {unit: cases}}, Dimension.UNIT)
            }
            units.append({"unit": unit, "name": city.unit_by_key[unit].name.model_dump(), "raw": raw, "adjusted": adjusted, "parts": found})
    return sorted(units, key=lambda each: (each["adjusted"] is None, -(each["adjusted"] or 0), each["unit"]))


def name_of(city: City, dimension: Dimension, value: str) -> Named | None:
    """What people call a value of a dimension; None where it has no name of its own."""
    if dimension is Dimension.CITY:
        return city.name
    if dimension is Dimension.UNIT:
        return city.unit_by_key[value].name if value in city.unit_by_key else None
    if dimension is Dimension.CATEGORY:
        return city.catalogue[value].name if value in city.catalogue else None
    if dimension is Dimension.DISTRICT:
        return next((each.name for each in city.districts if each.code == value), None)
    if dimension is Dimension.SUBDISTRICT:
        return next((name for each in city.districts for code, name in each.subdistricts if code == value), None)
    return None

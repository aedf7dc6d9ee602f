"""districts.toml and units.toml into values.

`[[unit]]` is one office. `[[unit_kind]]` with `per = "district"` is one office of that kind in every district, named by a template:
ten districts do not make ten copies of a row.
"""

from typing import Literal

from config.documents import Document, Row, unknown
from config.load_catalogue import Origin
from incidents.catalogue import DistrictName, Frozen, Named, Unit


class UnitKind(Frozen):
    """A row that stands for one office in the city or in each district; `{district}` in its name is filled in.

    `parent` names the kind above it: the office of that kind in the same district, else the city's.
    """

    kind: str
    per: Literal["city", "district"]
    name: Named
    level: str | None = None
    parent: str | None = None
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


def read_districts(document: Document) -> list[DistrictName]:
    """`[[district]]` rows; `subdistricts` are inline tables `{code, zh, en}`."""
    document.only("district")
    districts: list[DistrictName] = []
    for number, row in enumerate(document.rows("district")):
        district = document.model(DistrictName, {**row, "subdistricts": _subdistricts(document, number, row)}, "district", number)
        if district is not None:
            if any(district.code == other.code for other in districts):
                document.problem(f"district {district.code} stands twice", "district", number)
            districts.append(district)
    return districts


def _subdistricts(document: Document, number: int, row: Row) -> list[tuple[str, Named]]:
    read: dict[str, Named] = {}
    for at, given in enumerate(row.get("subdistricts", [])):
        loc = ("district", number, "subdistricts", at)
        if not isinstance(given, dict) or given.keys() != {"code", "zh", "en"}:
            document.problem(f"a subdistrict is written {{code, zh, en}}, not {given!r}", *loc)
            continue
        code = str(given["code"])
        if code in read:
            document.problem(f"subdistrict {code} stands twice", *loc)
        if not code.startswith(str(row.get("code"))):
            document.problem(f"subdistrict {code} does not lie in district {row.get('code')}: its code begins otherwise", *loc)
        name = document.model(Named, {"zh": given["zh"], "en": given["en"]}, *loc)
        if name is not None:
            read[code] = name
    return list(read.items())


def read_units(document: Document, districts: list[DistrictName]) -> list[tuple[Unit, Origin]]:
    """All offices, explicit ones first, each with the row it comes from."""
    document.only("unit", "unit_kind")
    units: list[tuple[Unit, Origin]] = []
    for number, row in enumerate(document.rows("unit")):
        unit = document.model(Unit, row, "unit", number)
        if unit is not None:
            units.append((unit, (document, "unit", number)))
    for number, row in enumerate(document.rows("unit_kind")):
        kind = document.model(UnitKind, row, "unit_kind", number)
        if kind is not None:
            _known_districts(document, number, kind, districts)
            units += [(unit, (document, "unit_kind", number)) for unit in _offices(kind, districts)]
    return _with_parents(units)


def _known_districts(document: Document, number: int, kind: UnitKind, districts: list[DistrictName]) -> None:
    codes = [district.code for district in districts]
    for key, named in (("only", kind.only), ("but", kind.but)):
        for code in named:
            if code not in codes:
                document.problem(unknown(code, codes, "district"), "unit_kind", number, key)


def _offices(kind: UnitKind, districts: list[DistrictName]) -> list[Unit]:
    if kind.per == "city":
        return [Unit(key=f"{kind.kind}-city", kind=kind.kind, name=kind.name, level=kind.level or "city", parent=kind.parent)]
    return [
        Unit(
            key=f"{kind.kind}-{district.code}",
            kind=kind.kind,
            name=Named(zh=_filled(kind.name.zh, district.name.zh), en=_filled(kind.name.en, district.name.en)),
            level=kind.level or "district",
            district=district.code,
            parent=kind.parent or kind.kind,
        )
        for district in districts
        if district.code not in kind.but and (not kind.only or district.code in kind.only)
    ]


def _filled(template: str, district: str) -> str:
    return template.replace("{district}", district)


def _with_parents(units: list[tuple[Unit, Origin]]) -> list[tuple[Unit, Origin]]:
    """Parents of generated offices from kinds to keys; one that is neither key nor kind is left for the check to find."""
    keys = {unit.key for unit, _ in units}
    placed: list[tuple[Unit, Origin]] = []
    for unit, origin in units:
        own = origin[1] == "unit_kind" and unit.parent is not None
        near, above = f"{unit.parent}-{unit.district}", f"{unit.parent}-city"
        parent = unit.parent
        if own and parent not in keys:
            choices = [key for key in (near, above) if key in keys and key != unit.key]
            parent = choices[0] if choices else None if parent == unit.kind else parent
        placed.append((unit.model_copy(update={"parent": parent}), origin))
    return placed

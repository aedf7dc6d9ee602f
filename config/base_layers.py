"""Base layers of the operations map: raster tiles of the city's own network, named in a TOML file by CITYLOOP_BASE_LAYERS.

A page asks nothing of another site, so the addresses are paths of the console's own: a reverse proxy in front of it serves them.
"""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incidents.errors import UserError


class BaseLayer(BaseModel):
    """One layer; tiles in Web Mercator, `{z}/{x}/{y}` (browsers' WMTS and XYZ), on a map that is WGS-84."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    tiles: tuple[str, ...] = Field(min_length=1)
    attribution: str = ""
    tile_size: int = Field(default=256, ge=128, le=1024)
    max_zoom: int = Field(default=18, ge=1, le=22)
    opacity: float = Field(default=1.0, gt=0, le=1)


def load_base_layers(path: Path | None) -> list[BaseLayer]:
    """The layers of the file, in its order; none without one. Raises UserError naming file, layer and what is wrong."""
    if path is None:
        return []
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("layer", [])
        layers = [BaseLayer.model_validate(row) for row in rows]
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; CITYLOOP_BASE_LAYERS names the file of the map's base layers") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(f"{path}: {error}") from None
    for layer in layers:
        for address in layer.tiles:
            _check(path, layer.id, address)
    return layers


def _check(path: Path, layer: str, address: str) -> None:
    if not address.startswith("/") or address.startswith("//"):
        raise UserError(
            f"{path}: layer {layer}: {address!r} is another site's; write a path of this one, like /tiles/{{z}}/{{x}}/{{y}}.png, "
            "and let the proxy in front of the console serve it"
        )
    if not all(part in address for part in ("{z}", "{x}", "{y}")):
        raise UserError(f"{path}: layer {layer}: {address!r} lacks {{z}}, {{x}} or {{y}}")

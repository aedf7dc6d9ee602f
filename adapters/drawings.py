"""Pictures of a simulated city, for the demo: a street, and on it what a camera or a person saw there, or that it is gone.

Drawn, with a camera's EXIF, so that the store reads, strips and shows them as it does those of phones. Who looks at them sees at once that
they are drawn; the caption says so, too.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO

from PIL import ExifTags, Image, ImageDraw

WIDTH, HEIGHT = 480, 360
GROUND = 200
QUALITY = 75
GONE = "after"

Draw = ImageDraw.ImageDraw
Spot = tuple[int, int]


@dataclass(frozen=True)
class Shot:
    """One picture: of which category, whether the thing is still there, where (WGS-84) and when; `seed` chooses the street."""

    category: str
    still_there: bool
    seed: int
    at: datetime
    lon: float
    lat: float
    caption: str


def drawn(shot: Shot) -> bytes:
    """The picture as a JPEG with EXIF: time with offset to the millisecond, and position."""
    image = _street(shot.seed % 8).copy()
    draw = ImageDraw.Draw(image)
    rng = random.Random(f"{shot.seed} {shot.category}")
    if shot.still_there:
        _thing(shot.category)(draw, (rng.randrange(150, 330), rng.randrange(260, 310)), rng)
    draw.rectangle((0, HEIGHT - 22, WIDTH, HEIGHT), fill=(20, 24, 32))
    state = "" if shot.still_there else f" {GONE}"
    draw.text((8, HEIGHT - 17), f"DRAWN  {shot.category}{state}  {shot.at:%Y-%m-%d %H:%M}  {shot.caption}", fill=(240, 240, 240))
    out = BytesIO()
    image.save(out, "JPEG", quality=QUALITY, exif=_exif(shot))
    return out.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif, offset = Image.Exif(), f"{shot.at:%z}" or "+0000"
    exif[ExifTags.Base.Make] = "cityloop demo"
    tags, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    tags[ExifTags.Base.DateTimeOriginal] = f"{shot.at:%Y:%m:%d %H:%M:%S}"
    tags[ExifTags.Base.OffsetTimeOriginal] = f"{offset[:3]}:{offset[3:5]}"
    tags[ExifTags.Base.SubsecTimeOriginal] = f"{shot.at.microsecond // 1000:03}"
    gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] = _sexagesimal(shot.lon), "EW"[shot.lon < 0]
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] = _sexagesimal(shot.lat), "NS"[shot.lat < 0]
    return exif


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole, rest = divmod(abs(degrees) * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    return whole, minutes, round(seconds, 4)


@lru_cache(maxsize=8)
def _street(number: int) -> Image.Image:
    """A street with houses, the same for a number."""
    rng = random.Random(number)
    image = Image.new("RGB", (WIDTH, HEIGHT), (196, 214, 232))
    draw = ImageDraw.Draw(image)
    left = 0
    while left < WIDTH:
        wide, top, shade = rng.randrange(50, 110), rng.randrange(40, 130), rng.randrange(150, 210)
        draw.rectangle((left, top, left + wide, GROUND), fill=(shade, shade - 10, shade - 25))
        for y in range(top + 12, GROUND - 14, 24):
            for x in range(left + 8, left + wide - 12, 20):
                draw.rectangle((x, y, x + 9, y + 13), fill=(90, 110, 135))
        left += wide
    draw.rectangle((0, GROUND, WIDTH, GROUND + 22), fill=(176, 172, 164))
    draw.rectangle((0, GROUND + 22, WIDTH, HEIGHT), fill=(104, 106, 110))
    for x in range(-20 + 13 * number, WIDTH, 90):
        draw.rectangle((x, 282, x + 44, 287), fill=(232, 232, 226))
    return image


def _heap(colour: tuple[int, int, int]) -> Callable[[Draw, Spot, random.Random], None]:
    def heap(draw: Draw, spot: Spot, rng: random.Random) -> None:
        for _ in range(26):
            x, y, size = spot[0] + rng.randrange(-58, 58), spot[1] + rng.randrange(-16, 16), rng.randrange(6, 16)
            shade = rng.randrange(-25, 25)
            draw.ellipse((x, y, x + size, y + size * 2 // 3), fill=(colour[0] + shade, colour[1] + shade, colour[2] + shade))

    return heap


def _water(draw: Draw, spot: Spot, rng: random.Random) -> None:
    for _ in range(7):
        x, y, size = spot[0] + rng.randrange(-60, 30), spot[1] + rng.randrange(-14, 10), rng.randrange(60, 110)
        draw.ellipse((x, y, x + size, y + size // 4), fill=(96, 146, 190))


def _truck(draw: Draw, spot: Spot, rng: random.Random) -> None:
    x, y = spot
    draw.rectangle((x - 70, y - 60, x + 30, y - 8), fill=(46, 120, 70))
    draw.polygon([(x - 72, y - 60), (x - 20, y - 92), (x + 32, y - 60)], fill=(134, 100, 66))
    draw.rectangle((x + 34, y - 48, x + 72, y - 8), fill=(208, 140, 40))
    for wheel in (x - 56, x - 6, x + 44):
        draw.ellipse((wheel, y - 18, wheel + 24, y + 6), fill=(25, 25, 28))


def _hole(draw: Draw, spot: Spot, rng: random.Random) -> None:
    x, y = spot
    draw.ellipse((x - 46, y - 15, x + 46, y + 15), fill=(136, 136, 130))
    draw.ellipse((x - 38, y - 11, x + 38, y + 11), fill=(16, 16, 18))


def _smoke(draw: Draw, spot: Spot, rng: random.Random) -> None:
    for step in range(16):
        x, y, size = spot[0] + rng.randrange(-30, 30) + step * 3, spot[1] - step * 11, 18 + step * 3
        shade = 150 + step * 4
        draw.ellipse((x, y, x + size, y + size), fill=(shade, shade, shade))


def _sign(draw: Draw, spot: Spot, rng: random.Random) -> None:
    x, y = spot
    draw.rectangle((x - 3, y - 60, x + 3, y), fill=(80, 80, 84))
    draw.polygon([(x, y - 124), (x - 42, y - 56), (x + 42, y - 56)], fill=(222, 66, 50))
    draw.rectangle((x - 4, y - 102, x + 4, y - 78), fill=(255, 255, 255))
    draw.rectangle((x - 4, y - 72, x + 4, y - 65), fill=(255, 255, 255))


_THINGS: tuple[tuple[str, Callable[[Draw, Spot, random.Random], None]], ...] = (
    ("truck", _truck),
    ("water", _water),
    ("drain", _water),
    ("leak", _smoke),
    ("dust", _smoke),
    ("fire", _smoke),
    ("smoke", _smoke),
    ("manhole", _hole),
    ("pothole", _hole),
    ("spill", _heap((150, 118, 78))),
    ("waste", _heap((118, 128, 108))),
    ("litter", _heap((160, 150, 150))),
)
"""By a part of the category's key; anything else is a warning sign."""


def _thing(category: str) -> Callable[[Draw, Spot, random.Random], None]:
    return next((draw for part, draw in _THINGS if part in category), _sign)

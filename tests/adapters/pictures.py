"""Files as phones, editors and attackers make them, for the tests of evidence."""

import random
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

SECRET = b"SECRET-OF-THE-PHONE"


def scene(size: tuple[int, int] = (400, 300), seed: int = 1) -> Image.Image:
    """Something with edges: its upper left corner is red, so that one sees which way up it is."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, (200, 210, 220))
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        draw.rectangle((x, y, x + 40, y + 25), fill=(rng.randrange(256), rng.randrange(256), rng.randrange(256)))
    draw.rectangle((0, 0, size[0] // 4, size[1] // 4), fill=(255, 0, 0))
    return image


def exif(
    at: str | None = "2026:11:21 09:30:00",
    offset: str | None = "+08:00",
    place: tuple[float, float] | None = (120.3826, 36.0671),
    **more: Any,
) -> Image.Exif:
    """What a phone writes; `orientation` and `datum` in `more`."""
    made = Image.Exif()
    made[ExifTags.Base.Make] = "Phone"
    if "orientation" in more:
        made[ExifTags.Base.Orientation] = more["orientation"]
    tags = made.get_ifd(ExifTags.IFD.Exif)
    if at:
        tags[ExifTags.Base.DateTimeOriginal] = at
    if offset:
        tags[ExifTags.Base.OffsetTimeOriginal] = offset
    tags[ExifTags.Base.BodySerialNumber] = SECRET.decode()
    if place:
        gps = made.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(place[0]), _sexagesimal(place[1])
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLatitudeRef] = "EW"[place[0] < 0], "NS"[place[1] < 0]
        if "datum" in more:
            gps[ExifTags.GPS.GPSMapDatum] = more["datum"]
    return made


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole, rest = divmod(abs(degrees) * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    return (whole, minutes, round(seconds, 4))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file: `JPEG`, `PNG`, `WEBP`, …"""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def phone_jpeg(image: Image.Image | None = None, **told: Any) -> bytes:
    """A JPEG with all that phones hide: EXIF, XMP, IPTC, a comment, and a recording behind the end."""
    data = encoded(image or scene(), "JPEG", quality=90, exif=exif(**told), comment=SECRET)
    xmp = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>")
    iptc = _segment(0xED, b"Photoshop 3.0\0" + SECRET)
    return data[:2] + xmp + iptc + data[2:] + recording()


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def phone_png(**told: Any) -> bytes:
    """A PNG with EXIF, a text, a compressed text, and something behind the end."""
    texts = PngInfo()
    texts.add_text("Comment", SECRET.decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return encoded(scene(), "PNG", exif=exif(**told), pnginfo=texts, dpi=(72, 72)) + SECRET


def phone_webp(**told: Any) -> bytes:
    """A WebP with EXIF and XMP, and something behind the end."""
    return encoded(scene(), "WEBP", exif=exif(**told), xmp=SECRET, quality=80) + SECRET


def recording(place: bytes = b"+36.0671+120.3826/", created: int = 3_878_069_400) -> bytes:
    """The boxes of an MP4: type, movie with header, track and user data, XMP, media. `created` counts seconds since 1904."""
    header = _box(b"mvhd", struct.pack(">IIIII", 0, created, created, 1000, 5000) + bytes(80))
    track = _box(b"trak", _box(b"tkhd", bytes(84)) + _box(b"udta", _box(b"name", SECRET)))
    told = _box(b"udta", _box(b"\xa9xyz", struct.pack(">HH", len(place), 0x15C7) + place) + SECRET)
    movie = _box(b"moov", header + track + told)
    return _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41") + movie + _box(b"uuid", bytes(16) + SECRET) + _box(b"mdat", b"pixels" * 50)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


PHONES: dict[str, Callable[..., bytes]] = {"image/jpeg": phone_jpeg, "image/png": phone_png, "image/webp": phone_webp}

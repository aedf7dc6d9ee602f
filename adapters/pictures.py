"""Reads what somebody uploads as evidence: what it is by its bytes, when and where it says it was taken, the bytes without all that, and a
thumbnail. `adapters.evidence` keeps what comes out.

A file is what its first bytes and a decoder say, never what a client calls it. At most `MOST_PIXELS` are decoded, two pictures at a time.
"""

import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from io import BytesIO
from typing import Any, TypeVar

import puremagic
from PIL import ExifTags, Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from adapters.stripping import Damaged, boxes, stripped
from incidents.errors import UserError
from incidents.evidence_rules import MOST_PIXELS, SUFFIXES, THUMBNAIL_PX, Taken, exif_degrees, exif_moment, iso_6709, position

Image.MAX_IMAGE_PIXELS = None  # `_opened` asks for less than Pillow's own bound, which would only warn

RECORDING = "video/mp4"
RIGHT = "right are pictures (JPEG, PNG, WebP) and recordings (MP4)"
SNIFFED_BYTES = 4096
TURNED_QUALITY = 95
THUMBNAIL_QUALITY = 80
DECODED_AT_ONCE = 2
"""50 million pixels are 150 to 200 MB."""
QUICKTIME_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_MP4_BRANDS = frozenset([b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV"])
_UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, TypeError, IndexError, EOFError, OverflowError, struct.error, zlib.error)
"""What Pillow's readers raise on bytes that are no picture."""

_decoding = threading.BoundedSemaphore(DECODED_AT_ONCE)
T = TypeVar("T")


class NotTaken(UserError):
    """This file is no evidence: another type, or damaged; says what is right."""


class TooManyPixels(UserError):
    """Decoded, it would be larger than any camera's picture."""


@dataclass(frozen=True)
class Read:
    """A file as it is kept: `data` tells nothing beside the picture, `taken` is what it told. No size and no thumbnail of a recording."""

    media_type: str
    data: bytes
    taken: Taken
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


def read(data: bytes, zone: tzinfo) -> Read:
    """Read a file; `zone` is that of pictures whose time has no offset. Raises NotTaken, TooManyPixels."""
    media_type = sniffed(data)
    try:
        if media_type == RECORDING:
            return Read(media_type, stripped(media_type, data), _told_by_recording(data))
        with _decoding:
            return _picture(media_type, data, zone)
    except Damaged as error:
        raise NotTaken(f"the file is damaged: {error}; take or export it anew ({RIGHT})") from None


def sniffed(data: bytes) -> str:
    """The media type by the first bytes. Raises NotTaken for one that is not taken."""
    if data[4:8] == b"ftyp" and data[8:12] in _MP4_BRANDS:
        return RECORDING
    try:
        found = [match.mime_type for match in puremagic.magic_string(data[:SNIFFED_BYTES]) if match.mime_type]
    except (puremagic.PureError, ValueError):
        found = []
    for media_type in SUFFIXES:
        if media_type in found:
            return media_type
    raise NotTaken(f"the file is {found[0] if found else 'of no known type'}; {RIGHT}")


def _picture(media_type: str, data: bytes, zone: tzinfo) -> Read:
    image = _opened(media_type, data)
    exif = _readable(image.getexif) or Image.Exif()
    turned = exif.get(ExifTags.Base.Orientation) in range(2, 9)
    kept = stripped(media_type, _pixels(lambda: _turned(media_type, image)) if turned else data)
    shown = _opened(media_type, kept)
    width, height = shown.size
    thumbnail = _pixels(lambda: _thumbnail(shown))
    return Read(media_type, kept, _told_by_picture(exif, zone), width, height, thumbnail)


def _opened(media_type: str, data: bytes) -> Image.Image:
    """The picture, not yet decoded."""
    image = _pixels(lambda: Image.open(BytesIO(data), formats=[_FORMATS[media_type]]))
    if image.width * image.height > MOST_PIXELS:
        raise TooManyPixels(f"the picture has {image.width} x {image.height} pixels, at most {MOST_PIXELS:,} are taken; send it smaller")
    return image


def _pixels(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except _UNREADABLE as error:
        raise NotTaken(f"the picture cannot be decoded ({type(error).__name__}); take or export it anew ({RIGHT})") from None


def _readable(ask: Callable[[], T]) -> T | None:
    """What the file tells, or None where it tells it wrongly: evidence is judged by what is known."""
    try:
        return ask()
    except _UNREADABLE:
        return None


def _told_by_picture(exif: Image.Exif, zone: tzinfo) -> Taken:
    tags = _readable(lambda: dict(exif.get_ifd(ExifTags.IFD.Exif))) or {}
    gps = _readable(lambda: dict(exif.get_ifd(ExifTags.IFD.GPSInfo))) or {}
    base, where = ExifTags.Base, ExifTags.GPS
    at = exif_moment(tags.get(base.DateTimeOriginal), tags.get(base.OffsetTimeOriginal), tags.get(base.SubsecTimeOriginal), zone)
    lon = exif_degrees(gps.get(where.GPSLongitude), gps.get(where.GPSLongitudeRef))
    lat = exif_degrees(gps.get(where.GPSLatitude), gps.get(where.GPSLatitudeRef))
    return _taken(at, position(lon, lat, gps.get(where.GPSMapDatum)))


def _told_by_recording(data: bytes) -> Taken:
    """`creation_time` of the movie's header, and the position in its user data or metadata (ISO/IEC 14496-12, QuickTime's ISO 6709)."""
    at, place = None, None
    for kind, _, body, end in boxes(data):
        if kind == b"mvhd" and end - body >= 12:
            wide = data[body] == 1
            seconds = int.from_bytes(data[body + 4 : body + (12 if wide else 8)], "big")
            at = QUICKTIME_EPOCH + timedelta(seconds=seconds) if 0 < seconds < 1 << 36 else None
        elif kind in (b"udta", b"meta") and place is None:
            place = iso_6709(data[body:end])
    return _taken(at, place)


def _taken(at: datetime | None, place: tuple[float, float] | None) -> Taken:
    lon, lat = place or (None, None)
    return Taken(captured_at=at, lon=lon, lat=lat)


def _turned(media_type: str, image: Image.Image) -> bytes:
    """The picture upright in its pixels, for what says so is stripped; a JPEG with its own tables, so that next to nothing is lost."""
    out, options = BytesIO(), dict[str, Any](quality=TURNED_QUALITY)
    if isinstance(image, JpegImageFile):
        options = {"qtables": image.quantization, "subsampling": get_sampling(image)}
    ImageOps.exif_transpose(image).save(out, _FORMATS[media_type], icc_profile=image.info.get("icc_profile"), **options)
    return out.getvalue()


def _thumbnail(image: Image.Image) -> bytes:
    """At most 320 pixels on the longer side, JPEG, on white; decodes the whole picture, so that a damaged one shows."""
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    out = BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=THUMBNAIL_QUALITY)
    return out.getvalue()

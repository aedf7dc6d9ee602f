"""What counts as evidence, as values and arithmetic: which files are taken, when and where a picture says that it was taken, and whether
the city's own store stands behind a hash.

`adapters.pictures` reads files by these rules, `console.evidence` asks them before a command goes to Kafka, and closure judges what the
store knows (`incidents.guards_parties.stored_evidence`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from pydantic import AwareDatetime

from incidents.catalogue import Frozen
from incidents.commands import Evidence
from incidents.geography import Datum
from incidents.places import Point, to_wgs84
from incidents.refusals import Why

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}
"""The media types that are taken, and how their files end."""
MOST_BYTES = 10_000_000
MOST_PIXELS = 50_000_000
"""A picture of more, decoded, is no evidence but an attack: the largest sensors of phones in use give 50 million by default."""
THUMBNAIL_PX = 320
AHEAD = timedelta(minutes=5)
"""A camera's clock may be that much ahead of the city's; what is further ahead says nothing about when a picture was taken."""

_EXIF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_EXIF_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_ISO_6709 = re.compile(rb"([+-]\d{2}(?:\.\d{1,8})?)([+-]\d{3}(?:\.\d{1,8})?)")
_GCJ = re.compile(r"gcj|mars", re.IGNORECASE)


class Taken(Frozen):
    """When and where a file says it was taken: WGS-84 degrees; None where it does not say, or says what cannot be."""

    captured_at: AwareDatetime | None = None
    lon: float | None = None
    lat: float | None = None


class Upload(Frozen):
    """Who brought a file, and for which district and unit they act: whoever acts for the same may see it."""

    person: str
    district: str | None = None
    unit: str | None = None


class Picture(Frozen):
    """What the store knows of a file; nothing of it comes from whoever names the hash later.

    `sha256` is of the bytes as they are kept, after stripping. `stored_at` and `captured_at` are on the city's clock. Width and height
    are pixels as one looks at it, upright; None for a recording, which is never decoded. `proof_of` is the case that was handled or
    checked by it, `cases` all that show it, `uploads` who brought it.
    """

    sha256: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    stored_at: AwareDatetime
    captured_at: AwareDatetime | None = None
    lon: float | None = None
    lat: float | None = None
    uploads: tuple[Upload, ...] = ()
    cases: tuple[str, ...] = ()
    proof_of: str | None = None


def exif_moment(text: object, offset: object, fraction: object, zone: tzinfo) -> datetime | None:
    """`DateTimeOriginal` with `OffsetTimeOriginal` and `SubSecTimeOriginal` (EXIF 2.31); without an offset, in the city's zone.

    >>> exif_moment("2026:11:21 08:15:02", "+08:00", "5", timezone.utc).isoformat()
    '2026-11-21T08:15:02.500000+08:00'
    """
    found = _EXIF_TIME.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    digits = fraction.strip("\0 ") if isinstance(fraction, str) else ""
    micro = int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0
    try:
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=_zone_of(offset) or zone)
    except ValueError:  # 0000:00:00, which cameras without a set clock write
        return None


def _zone_of(offset: object) -> tzinfo | None:
    found = _EXIF_OFFSET.match(offset) if isinstance(offset, str) else None
    if found is None or int(found[2]) > 14:
        return None
    shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-shift if found[1] == "-" else shift)


def exif_degrees(values: object, ref: object) -> float | None:
    """Degrees, minutes, seconds (rationals) and the letter of the half they lie in, as decimal degrees.

    >>> exif_degrees((36.0, 4.0, 1.56), "N")
    36.0671
    """
    if not isinstance(values, Sequence) or len(values) != 3 or not isinstance(ref, str):
        return None
    try:
        degrees, minutes, seconds = map(float, values)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    return round(-found if ref[:1] in "SWsw" else found, 7)


def position(lon: float | None, lat: float | None, datum: object = None) -> Point | None:
    """A place on earth in WGS-84. EXIF's `GPSMapDatum` is believed where it names GCJ-02, everything else is taken for WGS-84.

    0, 0 is what devices write that know no place. None for that, for what is no number, and for what lies off the earth.
    """
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90) or (lon, lat) == (0, 0):
        return None
    return to_wgs84(lon, lat, Datum.GCJ02) if isinstance(datum, str) and _GCJ.search(datum) else (lon, lat)


def iso_6709(text: bytes) -> Point | None:
    """The first longitude and latitude in the form that recordings carry (`+36.0671+120.3826/`).

    >>> iso_6709(b"+36.0671+120.3826+012.300/")
    (120.3826, 36.0671)
    """
    found = _ISO_6709.search(text)
    return position(float(found[2]), float(found[1])) if found else None


def taken_by_device(file: Taken, told: Taken) -> Taken:
    """What the file says wins over what was told beside it; a position is taken whole from one of both."""
    placed = file if file.lon is not None else told
    return Taken(captured_at=file.captured_at or told.captured_at, lon=placed.lon, lat=placed.lat)


def believable(captured_at: datetime | None, now: datetime) -> datetime | None:
    """When it was taken, on the city's clock, if that is not in the future; up to five minutes ahead count as now."""
    if captured_at is None or captured_at > now + AHEAD:
        return None
    return min(captured_at, now)


def resolved(given: Sequence[Evidence], known: Mapping[str, Picture], case_id: str) -> tuple[Evidence, ...] | str:
    """The evidence of a command as the store knows it, or why it is none, in words that a person can act on.

    `known` maps the hashes as given to pictures that the person may see. All that the client said beside the hash is dropped.
    """
    found: dict[str, Evidence] = {}
    for each in given:
        if each.sha256 is None:
            return Why.NO_HASH.say()
        picture = known.get(each.sha256.lower())
        if picture is None:
            return Why.UNKNOWN_PICTURE.say(sha256=each.sha256[:12])
        if picture.proof_of not in (None, case_id):
            return Why.USED_PICTURE.say(sha256=each.sha256[:12])
        found[picture.sha256] = as_evidence(picture)
    return tuple(found.values())


def as_evidence(picture: Picture) -> Evidence:
    """What a command and a case carry of it."""
    return Evidence(
        url=address(picture.sha256),
        sha256=picture.sha256,
        media_type=picture.media_type,
        captured_at=picture.captured_at,
        lon=picture.lon,
        lat=picture.lat,
        stored_at=picture.stored_at,
    )


def address(sha256: str) -> str:
    """Where the console serves it; the same on every console, so without a host."""
    return f"/api/v1/evidence/{sha256}"

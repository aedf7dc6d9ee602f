"""Takes out of a file what it tells beside the picture, without touching a pixel: the blocks of JPEG, PNG, WebP and MP4 are walked, and
only those that are needed to show it are kept. `adapters.pictures` calls it before anything is stored.

Dropped are EXIF with its position and serial numbers, XMP, IPTC, comments, further pictures (MPO, gain maps) and whatever stands behind the
end, where phones hide recordings. Kept are colour profiles. Raises Damaged for a file whose blocks do not fit together.
"""

import re
from collections.abc import Callable, Iterator

from incidents.errors import CityloopError

_JPEG_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_JPEG_START, _JPEG_END, _JPEG_SCAN = 0xD8, 0xD9, 0xDA
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs".split())
_WEBP_KEPT = frozenset([b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"])
_WEBP_TELLS = 0b0000_1100  # the flags of VP8X for EXIF and XMP
_MP4_TELLS = frozenset([b"udta", b"meta", b"uuid", b"free", b"skip"])
_MP4_HOLDS = frozenset([b"moov", b"trak"])


class Damaged(CityloopError):
    """The file is cut off, or its blocks do not fit together."""


def stripped(media_type: str, data: bytes) -> bytes:
    """The same picture or recording, telling nothing else. Raises Damaged."""
    return _BY_TYPE[media_type](data)


def jpeg(data: bytes) -> bytes:
    """SOI, the kept segments, each scan as it is, EOI; what follows is dropped (ITU-T T.81, annex B)."""
    kept, at = [data[:2]], 2
    while True:
        at, marker = _marker(data, at)
        if marker == _JPEG_END:
            return b"".join([*kept, b"\xff\xd9"])
        end = at + 2 + _number(data, at + 2, 2)
        if _is_kept(marker, data[at + 4 : at + 18]):
            kept.append(data[at:end])
        at = end
        if marker == _JPEG_SCAN:
            after = _JPEG_AFTER_SCAN.search(data, at)
            if after is None:
                raise Damaged("the picture is cut off")
            kept.append(data[at : after.start()])
            at = after.start()


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """Where the next marker begins, without fill bytes, and which it is."""
    if data[at : at + 1] != b"\xff":
        raise Damaged("a segment does not end where it says")
    while data[at + 1 : at + 2] == b"\xff":
        at += 1
    return at, _number(data, at + 1, 1)


def _is_kept(marker: int, head: bytes) -> bool:
    """All that decoding needs; of the application segments JFIF (units), the colour profile, and Adobe's colour transform."""
    if 0xE0 <= marker <= 0xEF:
        return head.startswith({0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker, b"\0none"))
    return marker != 0xFE


def png(data: bytes) -> bytes:
    """The critical chunks and those on colour, up to IEND (ISO/IEC 15948); an animation becomes its first picture."""
    kept, at = [_PNG_HEAD], len(_PNG_HEAD)
    while True:
        kind, end = data[at + 4 : at + 8], at + 12 + _number(data, at, 4)
        if end > len(data):
            raise Damaged("the picture is cut off")
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end


def webp(data: bytes) -> bytes:
    """The chunks that show something, and the header's flags without EXIF and XMP (RFC 9649)."""
    kept, at, stop = [], 12, 8 + _number(data, 4, 4, "little")
    if stop > len(data):
        raise Damaged("the picture is cut off")
    while at + 8 <= stop:
        kind, size = data[at : at + 4], _number(data, at + 4, 4, "little")
        end = at + 8 + size + size % 2
        chunk = data[at:end]
        if kind == b"VP8X" and size >= 1:
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_TELLS]) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        at = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def mp4(data: bytes) -> bytes:
    """The boxes of user data and metadata turned into `free` ones of zeros, so that no offset moves (ISO/IEC 14496-12)."""
    made = bytearray(data)
    for kind, at, body, end in boxes(data):
        if kind in _MP4_TELLS:
            made[at + 4 : at + 8] = b"free"
            made[body:end] = bytes(end - body)
    return bytes(made)


def boxes(data: bytes, at: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, int, int, int]]:
    """Every box down to those of tracks: type, where it begins, where its content begins, where it ends. Raises Damaged."""
    stop = len(data) if stop is None else stop
    while at < stop:
        size, kind, body = _number(data, at, 4), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = _number(data, at + 8, 8), at + 16
        end = stop if size == 0 else at + size
        if not body <= end <= stop:
            raise Damaged("the recording is cut off, or a box does not end where it says")
        yield kind, at, body, end
        if kind in _MP4_HOLDS:
            yield from boxes(data, body, end)
        at = end


def _number(data: bytes, at: int, size: int, order: str = "big") -> int:
    found = data[at : at + size]
    if len(found) < size:
        raise Damaged("the file is cut off")
    return int.from_bytes(found, "little" if order == "little" else "big")


_BY_TYPE: dict[str, Callable[[bytes], bytes]] = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp, "video/mp4": mp4}

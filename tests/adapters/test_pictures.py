"""What is read out of an uploaded file, and what is left in it."""

from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from adapters.pictures import NotTaken, TooManyPixels, read
from adapters.stripping import Damaged, stripped
from tests.adapters.pictures import PHONES, SECRET, encoded, exif, phone_jpeg, recording, scene

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

ZONE = ZoneInfo("Asia/Shanghai")
TAKEN = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("media_type", PHONES)
def test_time_and_place_are_read_and_nothing_of_them_is_left(media_type: str) -> None:
    found = read(PHONES[media_type](), ZONE)
    assert (found.media_type, found.width, found.height) == (media_type, 400, 300)
    assert (found.taken.captured_at, found.taken.lon, found.taken.lat) == (TAKEN, 120.3826, 36.0671)
    assert SECRET not in found.data and b"Exif" not in found.data and b"EXIF" not in found.data and b"moov" not in found.data
    assert not opened(found.data).getexif()


@pytest.mark.parametrize("media_type", PHONES)
def test_no_pixel_is_touched(media_type: str) -> None:
    data = PHONES[media_type]()
    assert ImageChops.difference(opened(data).convert("RGB"), opened(read(data, ZONE).data).convert("RGB")).getbbox() is None


@pytest.mark.parametrize("media_type", PHONES)
def test_what_is_stripped_once_stays_as_it_is(media_type: str) -> None:
    once = read(PHONES[media_type](), ZONE).data
    assert read(once, ZONE).data == once


@pytest.mark.parametrize("media_type", PHONES)
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_that_says_which_way_up_it_is_stands_upright_without_saying_so(media_type: str, orientation: int) -> None:
    data = PHONES[media_type](orientation=orientation)
    found = read(data, ZONE)
    shown, size = opened(found.data), (300, 400) if orientation >= 5 else (400, 300)
    assert (shown.size, (found.width, found.height)) == (size, size)
    assert not shown.getexif()
    corner = {2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    red, green, blue = shown.convert("RGB").getpixel((20 + corner[0] * (size[0] - 40), 20 + corner[1] * (size[1] - 40)))  # type: ignore[misc]
    assert red > 200 and green < 60 and blue < 60


def test_colour_profiles_stay() -> None:
    profile = b"\0\0\2\0" + b"profile" * 80
    found = read(encoded(scene(), "JPEG", icc_profile=profile, exif=exif(orientation=6)), ZONE)
    assert opened(found.data).info["icc_profile"] == profile


@pytest.mark.parametrize(("size", "expected"), [((1600, 900), (320, 180)), ((300, 900), (107, 320)), ((64, 48), (64, 48))])
def test_a_thumbnail_is_a_jpeg_of_at_most_320_pixels(size: tuple[int, int], expected: tuple[int, int]) -> None:
    thumbnail = read(encoded(scene(size), "PNG"), ZONE).thumbnail
    assert thumbnail is not None
    shown = opened(thumbnail)
    assert (shown.format, shown.size, dict(shown.getexif())) == ("JPEG", expected, {})


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
def test_every_kind_of_pixel_gets_a_thumbnail(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.new(mode, (50, 40))
    data = encoded(image, "JPEG" if kind == "TIFF" else kind)
    assert read(data, ZONE).thumbnail


def test_a_recording_is_read_without_decoding_and_its_offsets_stay() -> None:
    data = recording()
    found = read(data, ZONE)
    assert (found.media_type, found.width, found.thumbnail) == ("video/mp4", None, None)
    assert (found.taken.captured_at, found.taken.lon, found.taken.lat) == (TAKEN, 120.3826, 36.0671)
    assert SECRET not in found.data and b"+36.0671" not in found.data
    assert (len(found.data), found.data.index(b"mdat")) == (len(data), data.index(b"mdat"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "of no known type"),
        (b"hello", "of no known type"),
        (b"%PDF-1.7\n1 0 obj", "pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "svg"),
        (b"<html><script>alert(1)</script></html>", "the file is"),
        (encoded(scene(), "GIF"), "image/gif"),
        (encoded(scene(), "TIFF"), "image/tiff"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "image/hei"),
        (phone_jpeg()[:5000], "the picture is cut off"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "cannot be decoded"),
        (recording()[:300], "damaged"),
    ],
)
def test_anything_else_is_refused_with_what_is_right(data: bytes, said: str) -> None:
    with pytest.raises(NotTaken, match="JPEG, PNG, WebP") as error:
        read(data, ZONE)
    assert said in str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_bomb_is_refused_before_it_is_decoded(kind: str) -> None:
    with pytest.raises(TooManyPixels, match="8000 x 7000"):
        read(encoded(Image.new("1" if kind == "PNG" else "L", (8000, 7000)), kind), ZONE)


@pytest.mark.parametrize(
    "broken", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40, b"Exif\0\0garbage"]
)
def test_exif_that_is_wrong_tells_nothing(broken: bytes) -> None:
    data = encoded(scene(), "JPEG")
    made = data[:2] + b"\xff\xe1" + (len(broken) + 2).to_bytes(2, "big") + broken + data[2:]
    found = read(made, ZONE)
    assert (found.taken.captured_at, found.taken.lon, b"Exif" in found.data) == (None, None, False)


GOOD = [make() for make in PHONES.values()] + [recording()]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(GOOD) - 1), st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), max_size=8), st.integers(0, 1 << 30)
)
def test_whatever_the_bytes_are_it_is_read_or_refused(good: int, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(GOOD[good])
    for at, value in changes:
        data[at % len(data)] = value
    try:
        found = read(bytes(data[: 1 + cut % (2 * len(data))]), ZONE)
    except (NotTaken, TooManyPixels):
        return
    assert found.media_type == "video/mp4" or found.thumbnail


@given(st.sampled_from(["image/jpeg", "image/png", "image/webp", "video/mp4"]), st.binary(max_size=200))
def test_the_walk_over_blocks_ends_on_any_bytes(media_type: str, data: bytes) -> None:
    try:
        assert len(stripped(media_type, data)) <= len(data) + 16
    except Damaged:
        return

"""What a simulated report says: its JSON with gaps for what changes from sighting to sighting, and the words of residents.

A view's template is rendered ten thousands of times a second, so it is bytes with `%` gaps and no JSON library is asked again.
"""

import random
from typing import Any

import orjson

from incidents.catalogue import Category, City
from incidents.events import REPORT_TYPE

GAPS = {b'"@id@"': b'"%b"', b'"@time@"': b'"%b"', b'"@lon@"': b"%.7f", b'"@lat@"': b"%.7f", b'"@confidence@"': b"%.2f"}
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
ROADS = (
    "香港中路",
    "山东路",
    "延安三路",
    "南京路",
    "重庆南路",
    "威海路",
    "人民路",
    "福州路",
    "长江中路",
    "文阳路",
    "鹤山路",
    "海尔路",
    "黑龙江路",
)
OPENINGS = ("市民来电反映", "热心市民反映", "居民多次反映", "我路过时看到", "小区门口发现")
ENDINGS = ("请尽快处理。", "影响出行,望解决。", "已经有一段时间了,没人管。", "希望有关部门来看看。", "怕有危险。")
SURNAMES = "王李张刘陈杨赵黄周吴"


def event(city: City, source: str, **data: Any) -> dict[str, Any]:
    """A report with every gap open (id, time, and what of `data` is a gap); members that are None are left out."""
    return {
        "specversion": "1.0",
        "id": "@id@",
        "source": source,
        "type": REPORT_TYPE,
        "time": "@time@",
        "datacontenttype": "application/json",
        "city": city.code,
        "origin": city.key,
        "data": {name: value for name, value in data.items() if value is not None},
    }


def place(accuracy_m: int | None = None, address: str | None = None) -> dict[str, Any]:
    """A location with gaps for longitude and latitude."""
    location = {"lon": "@lon@", "lat": "@lat@", "datum": "wgs84", "accuracy_m": accuracy_m, "address": address}
    return {name: value for name, value in location.items() if value is not None}


def template(report: dict[str, Any]) -> bytes:
    """The report as bytes with gaps, in the order id, time, lon, lat, confidence; all of them, or for a placeless report the first two."""
    text = orjson.dumps(report).replace(b"%", b"%%")
    for gap, form in GAPS.items():
        text = text.replace(gap, form)
    return text


def plate(rng: random.Random) -> str:
    """A plate of Qingdao as a muck truck carries it; one in ten is a new-energy one (large vehicle: D or F at the end)."""
    start = rng.choice(("鲁B", "鲁U"))
    digits = f"{rng.randrange(100_000):05d}"
    if rng.random() < 0.1:
        return f"{start}{digits}{rng.choice('DF')}"
    return start + (digits if rng.random() < 0.5 else rng.choice(PLATE_LETTERS) + digits[1:])


def address(city: City, district: str | None, rng: random.Random) -> str:
    """An address as a resident says it."""
    named = next((known.name.zh for known in city.districts if known.code == district), city.name.zh)
    return f"{named}{rng.choice(ROADS)}{rng.randint(1, 299)}号附近"


def words(category: Category, rng: random.Random) -> str:
    """What a resident says."""
    return f"{rng.choice(OPENINGS)}:{category.name.zh},{rng.choice(ENDINGS)}"


def reporter(rng: random.Random) -> dict[str, str]:
    """A made-up person; the number is in no operator's range."""
    return {"name": f"{rng.choice(SURNAMES)}{rng.choice(('先生', '女士'))}", "phone": f"100{rng.randrange(100_000_000):08d}"}

"""A made-up evening in the city for the stand-in: cases, facts, pictures, the same every time."""

import hashlib
import io
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
"""Half past nine in the morning in Qingdao."""
ROW = dict[str, Any]

KINDS = [
    # category, condition, severity, unit kind, hours, weight
    ("road_spillage", "over_3m2", "normal", "sanitation", 4, 8),
    ("exposed_waste", None, "normal", "sanitation", 4, 7),
    ("muck_truck_uncovered", None, "major", "law_enforcement", 12, 5),
    ("gas_leak", None, "emergency", "gas", 1, 1),
    ("water_main_burst", "flowing", "emergency", "water_supply", 1, 1),
    ("littering_from_height", None, "major", "law_enforcement", 8, 2),
    ("street_stall", None, "minor", "law_enforcement", 2, 6),
    ("fire_lane_blocked", None, "major", "law_enforcement", 2, 2),
    ("illegal_signboard", None, "minor", "law_enforcement", 20, 3),
]
STATES = [
    ("reported", 30),
    ("verifying", 6),
    ("filed", 18),
    ("dispatched", 12),
    ("handling", 40),
    ("checking", 14),
    ("checked", 5),
    ("suspended", 3),
]
PLACES = {
    "370202": (120.395, 36.067), "370203": (120.375, 36.095), "370212": (120.468, 36.107), "370213": (120.432, 36.160),
    "370214": (120.396, 36.307), "370211": (120.050, 35.920), "370215": (120.447, 36.389), "370281": (120.033, 36.264),
    "370283": (119.960, 36.786), "370285": (120.517, 36.889),
}  # fmt: skip
WEIGHTS = [16, 16, 10, 10, 9, 12, 7, 6, 5, 4]
STREETS = ["香港中路", "东海西路", "山东路", "南京路", "延安三路", "江西路", "福州南路", "辽阳西路", "重庆中路", "黑龙江南路"]
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def iso(moment: datetime | None) -> str | None:
    """As the API writes it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def a_case(number: int, categories: dict[str, Any], **changes: Any) -> ROW:
    """Case `number`: the same whenever it is asked for, with these fields changed."""
    chance = random.Random(number)
    known = [kind for kind in KINDS if kind[0] in categories]
    category, condition, severity, office, hours, _ = chance.choices(known, [kind[5] for kind in known])[0]
    state = chance.choices([state for state, _ in STATES], [weight for _, weight in STATES])[0]
    what = {"case_id": f"QD-20261121-{_id(number)}", "state": state, "category": category, "condition": condition, "severity": severity}
    rest: ROW = {
        "assisting": [],
        "level": "district",
        "held_because": None,
        "merged_into": None,
        "sources": 1,
        "sequence": 3,
        "revision": 1,
    }
    where = _where(chance)
    unit = None if state in ("reported", "verifying", "filed") else f"{office}-{where['district']}"
    return what | rest | where | _when(chance, state, hours) | _seen(chance, number, category) | {"unit": unit} | changes


def _where(chance: random.Random) -> ROW:
    district = chance.choices(list(PLACES), WEIGHTS)[0]
    lon, lat = PLACES[district]
    place = {"lon": round(lon + chance.gauss(0, 0.022), 6), "lat": round(lat + chance.gauss(0, 0.016), 6)}
    address = f"{chance.choice(STREETS)}{chance.randint(1, 240)}号"
    return {"district": district, "subdistrict": None, "community": None, "grid": None, "address": address, **place}


def _when(chance: random.Random, state: str, hours: int) -> ROW:
    opened = NOW - timedelta(minutes=chance.expovariate(1 / 240))
    filed = state not in ("reported", "verifying")
    due = opened + timedelta(hours=hours, minutes=chance.randint(0, 200)) if filed else None
    times = {
        "opened_at": opened,
        "first_seen": opened,
        "last_seen": NOW - timedelta(minutes=chance.randint(0, 20)),
        "filed_at": opened if filed else None,
        "entered_at": max(opened, NOW - timedelta(minutes=chance.randint(1, 90))),
        "due_at": due,
        "stage_due_at": NOW + timedelta(minutes=chance.randint(-6, 28)),
    }
    never = dict.fromkeys(("dispatched_at", "accepted_at", "handled_at", "ended_at"))
    return never | {name: iso(moment) for name, moment in times.items()} | {"overdue": bool(due and due < NOW)}


def _seen(chance: random.Random, number: int, category: str) -> ROW:
    count, machine = chance.choice([1, 1, 1, 2, 3, 7, 24]), chance.random() < 0.7
    if not machine:
        said = {"channel": chance.choice(["hotline", "app", "grid_worker"]), "confidence": None, "algorithm": None, "picture": None}
        return said | {"count": count}
    sure = {"confidence": round(chance.uniform(0.55, 0.98), 2), "algorithm": f"{category.replace('_', '-')}/3.2"}
    shown = {"channel": chance.choice(["low_video", "high_video", "drone"]), "picture": hashlib.sha256(str(number).encode()).hexdigest()}
    return sure | shown | {"count": count}


def _id(number: int) -> str:
    digest = int.from_bytes(hashlib.sha256(f"case {number}".encode()).digest()[:8], "big")
    return "".join(BASE32[digest >> 5 * place & 31] for place in range(10))


def picture(sha256: str, width: int, height: int) -> bytes:
    """A street seen by a camera, as JPEG: enough to judge a page by."""
    chance = random.Random(sha256)
    sky, road = chance.randint(120, 215), chance.randint(70, 110)
    image = Image.new("RGB", (width, height), (sky - 20, sky - 8, sky))
    draw = ImageDraw.Draw(image)
    horizon, vanishing = int(height * chance.uniform(0.32, 0.45)), width * chance.uniform(0.4, 0.6)
    for number in range(14):
        left = number * width / 12 - chance.randint(0, 30)
        tone = chance.randint(90, 175)
        draw.rectangle(
            [left, horizon - chance.randint(20, int(height * 0.28)), left + width / 13, horizon + 4], fill=(tone, tone - 6, tone - 14)
        )
    draw.polygon(
        [(vanishing - 12, horizon), (vanishing + 12, horizon), (width * 1.15, height), (-width * 0.15, height)], fill=(road, road, road + 4)
    )
    for number in range(6):
        far, near = number / 6, (number + 0.5) / 6
        y1, y2 = horizon + (height - horizon) * far**2, horizon + (height - horizon) * near**2
        draw.line([(vanishing, y1), (vanishing, y2)], fill=(225, 222, 205), width=max(1, int(1 + 5 * far)))
    x, y = width * chance.uniform(0.3, 0.65), height * chance.uniform(0.62, 0.8)
    for _ in range(70):
        angle, far = chance.uniform(0, math.tau), abs(chance.gauss(0, width * 0.05))
        size = chance.uniform(2, 7) * width / 320
        tone = chance.randint(60, 130)
        px, py = x + far * math.cos(angle) * 1.7, y + far * math.sin(angle) * 0.7
        draw.ellipse([px - size, py - size * 0.7, px + size, py + size * 0.7], fill=(tone + 40, tone + 12, tone - 25))
    draw.rectangle(
        [x - width * 0.16, y - height * 0.13, x + width * 0.16, y + height * 0.12], outline=(255, 70, 70), width=max(2, width // 160)
    )
    written = io.BytesIO()
    image.save(written, "JPEG", quality=82)
    return written.getvalue()

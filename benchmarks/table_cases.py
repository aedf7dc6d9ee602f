"""A city's cases for the benchmark of the tables: so many a day, of every category, place, unit and state, in the city's proportions.

Frequencies fall as 1/rank over categories and districts, as they do in published years; nine in ten cases of a day are over after a day, of
older ones one in 3,000 is still open. Words of addresses and descriptions are common ("路", one in eight), rare, and of a season.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from incidents.catalogue import Category, City, DistrictName, Unit
from incidents.vocabulary import ENDED, Channel, Severity, State

Json = dict[str, Any]
PER_DAY = 14_000
BEGINS = datetime(2025, 11, 22, tzinfo=UTC)
OPEN_STATES = (
    State.REPORTED,
    State.VERIFYING,
    State.FILED,
    State.DISPATCHED,
    State.HANDLING,
    State.SUSPENDED,
    State.CHECKING,
    State.CHECKED,
)
OPEN_WEIGHTS = (12, 6, 4, 10, 50, 6, 8, 4)
ENDED_STATES, ENDED_WEIGHTS = (State.CLOSED, State.NOT_FILED, State.VOID, State.MERGED), (880, 85, 15, 20)
SEVERITIES, SEVERITY_WEIGHTS = tuple(Severity), (1, 9, 72, 18)
CHANNEL_WEIGHTS = (0.2, 1, 10, 45, 12, 4, 12, 9, 6, 0.8)  # in the order of Channel: satellite … business data
ROADS = (
    "延安三路",
    "香港中路",
    "山东路",
    "辽阳西路",
    "重庆中路",
    "四流北路",
    "滨海大道",
    "青威路",
    "胶州湾高速",
    "李村河畔",
    "台东一路",
    "贵州路",
)
WORDS = (
    "占道",
    "路面破损",
    "散落砂石",
    "垃圾未清运",
    "积水",
    "井盖松动",
    "路灯不亮",
    "扬尘",
    "违规广告",
    "绿化带破坏",
    "乱停车",
    "噪声扰民",
)
ENGLISH = ("near the market", "blocks a lane", "beside the school gate", "second report", "at the bus stop", "spilled gravel")
MIDDLE = (120.30, 36.05)
DOCUMENT_FILLER = "x" * 1_200
"""A whole case is about 2.5 kB of JSON; what this one lacks of that."""


class Cases:
    """Makes the cases of a city, the same ones every time."""

    def __init__(self, city: City, seed: int = 6) -> None:
        self._city = city
        self._random = random.Random(seed)

    def day(self, day: int, of: int) -> Iterator[Json]:
        """The cases opened on day `day` (from 0) of `of`, oldest first."""
        begins = BEGINS + timedelta(days=day)
        age = of - 1 - day
        open_share = (0.55, 0.12)[age] if age < 2 else 1 / 3000
        moments = sorted(self._random.randrange(86_400_000) for _ in range(PER_DAY))
        for number, ms in enumerate(moments):
            yield self._case(f"QD-{begins:%Y%m%d}-{number:07d}{age % 1000:03d}", begins + timedelta(milliseconds=ms), open_share)

    def _case(self, case_id: str, at: datetime, open_share: float) -> Json:
        pick = self._random
        is_open = pick.random() < open_share
        state = pick.choices(OPEN_STATES, OPEN_WEIGHTS)[0] if is_open else pick.choices(ENDED_STATES, ENDED_WEIGHTS)[0]
        category = pick.choices(self._city.own_categories, cum_weights=self._category_weights)[0]
        district = pick.choices(self._city.districts, cum_weights=self._district_weights)[0]
        channel = pick.choices(tuple(Channel), CHANNEL_WEIGHTS)[0]
        case = {
            "case_id": case_id, "city": "QD", "origin": "qingdao", "sequence": 3 if is_open else 9, "revision": 4, "state": state,
            "category": category.key, "condition": category.conditions[0].key, "channel": channel,
            "severity": pick.choices(SEVERITIES, SEVERITY_WEIGHTS)[0], "source": f"/cameras/{pick.randrange(230_000)}",
            "report_id": case_id, "place": self._place(district), "description": self._words(at), "reason": "opened", "rules": "r1",
            "level": "district", "totals": {"/cameras/1": {"count": 1 + pick.randrange(9)}}, "filler": DOCUMENT_FILLER,
            "confidence": 0.9, "algorithm": "seen/3.2", "evidence": [{"sha256": f"{pick.getrandbits(256):064x}"}],
        }  # fmt: skip
        return case | self._moments(at, state) | self._units(district, category, state)

    def _place(self, district: DistrictName) -> Json:
        """Around the middle of the district, which is somewhere else for each."""
        rank = self._city.districts.index(district)
        lon, lat = MIDDLE[0] + 0.09 * (rank % 4), MIDDLE[1] + 0.08 * (rank // 4)
        east, north = self._random.gauss(0, 0.045), self._random.gauss(0, 0.036)
        street = district.subdistricts[self._random.randrange(len(district.subdistricts))][0] if district.subdistricts else None
        community = f"{street}-{self._random.randrange(1, 7):02}"
        grid = f"{community}-{self._random.randrange(1, 12):02}"
        where = {"district": district.code, "subdistrict": street, "community": community, "grid": grid}
        address = f"{district.name.zh}{self._random.choice(ROADS)}{self._random.randrange(1, 400)}号"
        return where | {"lon": round(lon + east, 6), "lat": round(lat + north, 6), "accuracy_m": 15, "address": address}

    def _words(self, at: datetime) -> str:
        said = [self._random.choice(WORDS), self._random.choice(ENGLISH)]
        if at.month in (1, 2) and self._random.random() < 0.2:
            said.append("暖气泄漏 frozen pipe")
        if self._random.random() < 0.0005:
            said.append("无人机坠落 heliport")
        return "，".join(said)

    def _moments(self, at: datetime, state: State) -> Json:
        hours = timedelta(hours=self._random.randrange(2, 72))
        moments = {"opened_at": at, "first_seen": at, "last_seen": at + timedelta(minutes=9), "entered_at": at + timedelta(minutes=20)}
        filed = state not in (State.REPORTED, State.VERIFYING, State.NOT_FILED, State.VOID)
        due = {"filed_at": at + timedelta(minutes=1), "due_at": at + hours} if filed else {}
        ended = {"ended_at": at + hours * 0.8} if state in ENDED else {}
        told = {name: moment.isoformat() for name, moment in (moments | due | ended).items()}
        return told | {"overdue": state in ENDED and self._random.random() < 0.05}

    def _units(self, district: DistrictName, category: Category, state: State) -> Json:
        if state in (State.REPORTED, State.VERIFYING, State.FILED, State.NOT_FILED, State.VOID):
            return {}
        units = self._offices[district.code]
        lead = next((unit for unit in units if unit.kind == category.lead), units[0])
        assisting = [self._random.choice(units).key] if self._random.random() < 0.1 else []
        return {"unit": lead.key, "assisting": [each for each in assisting if each != lead.key]}

    @cached_property
    def _offices(self) -> dict[str, Sequence[Unit]]:
        wide = [unit for unit in self._city.units if unit.district is None]
        return {each.code: [unit for unit in self._city.units if unit.district == each.code] or wide for each in self._city.districts}

    @cached_property
    def _category_weights(self) -> list[float]:
        return list(itertools.accumulate(1 / rank for rank in range(1, len(self._city.own_categories) + 1)))

    @cached_property
    def _district_weights(self) -> list[float]:
        return list(itertools.accumulate(1 / rank for rank in range(1, len(self._city.districts) + 1)))

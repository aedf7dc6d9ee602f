"""The people of a simulated city: for every role and office a few named persons, the same at every run.

A person's id is `<office>:<name>`; who checks or closes works for the operations centre and never for the office that handled.
"""

import hashlib

from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Actor
from incidents.steps.routing import unit_for
from incidents.vocabulary import Role

SURNAMES = "王李张刘陈杨赵黄周吴徐孙朱高林何郭马罗"
GIVEN = (
    "芳", "伟", "敏", "静", "磊", "洋", "艳", "强", "娟", "军", "秀英", "明",
    "丽", "涛", "超", "霞", "平", "刚", "桂兰", "建国", "海燕", "志强", "晓东", "春梅",
)  # fmt: skip
PERSONS = 4
CENTRE = "command_center"
CITYWIDE = frozenset({Role.ARBITER, Role.LEADER})


def actor_of(city: City, case: Case, role: Role) -> Actor:
    """Who of this role acts in this case: a person of the unit it was dispatched to, or of the operations centre of its district.

    Where that centre was made the handler itself (an arbiter's last resort), another centre checks and closes.
    """
    if role is Role.UNIT:
        return person(role, case.unit or "", case.case_id)
    district = None if role in CITYWIDE else case.place.district
    centre = unit_for(city.units, CENTRE, district)
    if centre is not None and centre.key == case.unit:
        centre = next((unit for unit in city.units if unit.kind == CENTRE and unit.key != case.unit), None)
    return person(role, centre.key if centre else f"{CENTRE}-{city.key}", case.case_id, unit=centre.key if centre else None)


def person(role: Role, office: str, case_id: str, unit: str | None = None) -> Actor:
    """One of the persons who have this role in the office; a case meets the same one again."""
    who = _number(f"{case_id}:{role}") % PERSONS
    number = _number(f"{office}:{role}:{who}")
    name = SURNAMES[number % len(SURNAMES)] + GIVEN[number // len(SURNAMES) % len(GIVEN)]
    return Actor(id=f"{office}:{name}", role=role, unit=unit or (office if role is Role.UNIT else None))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())

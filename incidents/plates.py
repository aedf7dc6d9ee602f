"""Number plates: which can exist at all. A plate is personal data, so nothing here repeats one."""

import re

from incidents.errors import BadReport, RejectReason

CN_PLATE = re.compile(
    r"(?=.[^IO]+$)[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼](?:"
    r"[A-Z](?:[A-Z0-9]{5}|[A-Z0-9]{4}[挂学警港澳领]|[A-HJK][A-Z0-9]\d{4}|\d{5}[A-HJK])|[XS]\d{4}应急)|使\d{6}"
)
"""GA 36-2018: province, letter, five characters (the last may say trailer, training, police, border, consulate), or six for new energy
(small: the letter first, large: last), emergency rescue, embassies; never I nor O. Military plates are issued elsewhere."""


def refuse_plate(plate: object) -> None:
    """Raise BadReport for a plain plate that cannot exist; it is personal, so the detail says only what is wrong with it."""
    if not isinstance(plate, str) or CN_PLATE.fullmatch(plate):
        return
    odd = next((at for at, letter in enumerate(plate, 1) if not letter.isalnum() or letter in "IO" or letter.islower()), None)
    what = f"{len(plate)} characters" + (f", the {odd}. is none of a plate" if odd else "")
    raise BadReport(RejectReason.BAD_PLATE, f"the plate cannot exist ({what}): a province, a letter, then five or six, no I, no O")

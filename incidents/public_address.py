"""An address as everybody may read it: down to the house number or building, never floor, room, name, telephone number or plate.

People say where something is in their own words, and some of them say where they live. Notices leave the city's systems, so what names a
household is cut off with all that follows it (docs/privacy.md): a cut too much costs a look at the map, one too few somebody's home.
"""

import re

MOST = 120
"""Characters; longer ones are cut."""
_NUMBER = r"[0-9０-９一二三四五六七八九十百零〇两]+"
_HOUSEHOLD = re.compile(
    rf"""
      {_NUMBER}\s*(?:单元|號室|号室|室|户|戶|层|層|房|楼(?!号))      # 2单元, 501室, 三层, 12楼
    | (?<=[号號栋幢座楼])\s*(?:[A-Za-z]?[0-9０-９]{{3,}}|[0-9０-９]+\s*[-－—–]\s*[0-9０-９]+)   # 3号楼501, 10号2-501
    | [0-9０-９]+\s*[-－—–\#]\s*[0-9０-９]+\s*[-－—–\#]\s*[0-9０-９]+      # 3-2-501
    | (?:地下室|阁楼|顶楼|家里|家中|我家)
    | \b(?:room|rm|apt|apartment|flat|unit|suite|ste|floor|fl)\b\.?\s*\#?\s*[0-9A-Za-z-]*[0-9A-Za-z]
    | \b[0-9]+(?:st|nd|rd|th)\s+floor\b
    | \#\s*[0-9]+
    | (?<=[\s，,、；;（(号號栋幢座楼])[^\s，,、；;（(号號栋幢座楼]{{0,30}}(?:先生|女士|小姐)
    | (?:(?![号號栋幢座楼])[一-鿿]){{1,4}}(?:先生|女士|小姐|阿姨|大爷|师傅)
    | \b(?:Mr|Mrs|Ms|Miss)\b
    | (?<!\d)\+?[0-9０-９][0-9０-９\s-]{{6,}}                       # a telephone number
    | [京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新][A-HJ-NP-Z][\s·•]?[A-HJ-NP-Z0-9]{{5,6}}
    | \S+@\S+
    """,
    re.VERBOSE | re.IGNORECASE,
)


def public_address(text: str) -> str:
    """The part of an address that names a place and no household; "" when nothing is left.

    >>> public_address("香港中路10号3号楼2单元501室张女士")
    '香港中路10号3号楼'
    >>> public_address("12 Wusi Road, Apt 5B")
    '12 Wusi Road'
    """
    flat = " ".join("".join(" " if each < " " or each == "\x7f" else each for each in text).split())
    found = _HOUSEHOLD.search(flat)
    whole = flat if found is None else flat[: found.start()]
    return whole.rstrip(" ,，、;；:：(（-－的在")[:MOST]

"""A small city's folder, right in every line, for tests that make one line wrong."""

from pathlib import Path

FILES = {
    "city.toml": """key = "small"
code = "SM"
name = {zh = "小城", en = "Small"}
time_zone = "Asia/Shanghai"
levels = ["city", "district"]
catalogue_version = "1"
reopen_within = "7d"
default_geocodes = [[120.5, 36.5]]

[bounds]
west = 120.0
south = 36.0
east = 121.0
north = 37.0

[accept]
past = "24h"
ahead = "5min"

[accuracy_m]
satellite = 20
drone = 10
high_video = 25
low_video = 15
algorithm = 15
iot = 10
grid_worker = 10
hotline = 500
app = 30
business_data = 50

[stages]
accept = "15min"
check = "off"

[escalation]
remind_at = 0.8
""",
    "calendar.toml": """ends = "same_time"

[[hours]]
begins = 08:00:00
ends = 12:00:00

[[hours]]
begins = 14:00:00
ends = 18:00:00

[[years]]
year = 2026
holidays = [
  {zh = "元旦", en = "New Year", days = [2026-01-01], workdays = [2026-01-04]},
]
""",
    "districts.toml": """[[district]]
code = "100"
name = {zh = "东区", en = "East"}
subdistricts = [
  {code = "100001", zh = "一街道", en = "First"},
  {code = "100002", zh = "二街道", en = "Second"},
]

[[district]]
code = "200"
name = {zh = "西区", en = "West"}
""",
    "units.toml": """[[unit_kind]]
kind = "sanitation"
per = "district"
name = {zh = "{district}环卫", en = "{district} Sanitation"}

[[unit_kind]]
kind = "police"
per = "city"
name = {zh = "公安", en = "Police"}

[[unit]]
key = "east-fire"
kind = "fire"
name = {zh = "消防", en = "Fire"}
level = "district"
district = "100"
parent = "police-city"
""",
    "routes.toml": """[[route]]
key = "oil"
category = "spillage"
condition = "oil"
lead = "police"

[[route]]
key = "east"
domain = "roads"
district = "100"
assisting = ["fire"]
""",
    "catalogue/roads.toml": """[domain]
key = "roads"
name = {zh = "道路", en = "Roads"}

[defaults]
nature = "lasting"
match = ["place"]
radius_m = 50
window = "24h"
filing = {machine = "auto", grid_worker = "auto", business_data = "auto"}

[[category]]
key = "spillage"
code = "0114"
name = {zh = "遗撒", en = "Spillage"}
window = "2h"
lead = "sanitation"
assisting = ["police"]
conditions = [
  {key = "spilled", name = {zh = "遗撒", en = "Spilled"}, clock = "work_hour", limit = 4},
  {key = "oil", name = {zh = "油污", en = "Oil"}, clock = "urgent_hour", limit = 2, grade = "A"},
]
closing_condition = {zh = "清理", en = "Clean"}

[[category]]
key = "truck"
code = "0311"
name = {zh = "渣土车", en = "Truck"}
nature = "instant"
match = ["plate"]
window = "30min"
max_span = "30min"
filing = {machine = "review"}
lead = "police"
conditions = [{key = "open", name = {zh = "未密闭", en = "Open"}, clock = "work_day", limit = 2}]
closing_condition = {zh = "查处", en = "Dealt with"}
""",
}


def write(folder: Path, file: str | None = None, old: str = "", new: str = "") -> Path:
    """The city below `folder`, with the first `old` of `file` replaced by `new`."""
    city = folder / "small"
    (city / "catalogue").mkdir(parents=True)
    for name, text in FILES.items():
        if name == file:
            assert old in text, f"{old!r} does not stand in {file}"
            text = text.replace(old, new, 1)
        (city / name).write_text(text, encoding="utf-8")
    return city

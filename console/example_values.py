"""The values of which the document's examples are made (console.examples): one spillage on one morning, and who had to do with it."""

from typing import Any

ID = "QD-20261121-14YNDD4W6Y"
ROW: dict[str, Any] = {
    "case_id": ID,
    "state": "handling",
    "category": "road_spillage",
    "condition": "over_3m2",
    "severity": "normal",
    "channel": "low_video",
    "district": "370202",
    "subdistrict": "370202001",
    "community": "370202001-03",
    "grid": "0123-0456",
    "lon": 120.3826,
    "lat": 36.0671,
    "address": None,
    "unit": "sanitation-370202",
    "assisting": [],
    "level": "district",
    "opened_at": "2026-11-21T00:15:03Z",
    "first_seen": "2026-11-21T00:15:02Z",
    "last_seen": "2026-11-21T00:21:40Z",
    "filed_at": "2026-11-21T00:15:04Z",
    "dispatched_at": "2026-11-21T00:15:04Z",
    "accepted_at": "2026-11-21T00:19:00Z",
    "handled_at": None,
    "ended_at": None,
    "entered_at": "2026-11-21T00:19:00Z",
    "due_at": "2026-11-21T06:15:04Z",
    "stage_due_at": None,
    "overdue": False,
    "held_because": None,
    "count": 7,
    "sources": 2,
    "sequence": 6,
    "revision": 3,
    "confidence": 0.93,
    "algorithm": "road-spillage/3.2",
    "picture": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "merged_into": None,
}
POINT: list[Any] = [ID, 120.3826, 36.0671, "road_spillage", "handling", "normal", 1795241704000, False, 1795220103000, "370202"]
CATALOGUE: dict[str, Any] = {
    "city": {"code": "QD", "zone": "Asia/Shanghai", "zh": "青岛市", "en": "Qingdao"},
    "categories": {
        "road_spillage": {
            "zh": "道路遗撒",
            "en": "Road spillage",
            "domain": "road_spillage",
            "code": "0114",
            "nature": "lasting",
            "severity": "normal",
            "close": "auto",
            "lead": "sanitation",
            "closing_condition": {"zh": "路面洁净", "en": "the road is clean"},
            "conditions": [
                {
                    "zh": "路面遗撒",
                    "en": "spilt on the road",
                    "key": "any",
                    "clock": "work_hour",
                    "limit": 4.0,
                    "grade": "B",
                    "severity": None,
                }
            ],
        }
    },
    "domains": {"road_spillage": {"zh": "道路遗撒", "en": "Road spillage"}},
    "units": {"sanitation-370202": {"zh": "市南区环卫", "en": "Shinan sanitation"}},
    "districts": {"370202": {"zh": "市南区", "en": "Shinan", "subdistricts": {"370202001": {"zh": "八大峡街道", "en": "Badaxia"}}}},
    "levels": ["city", "district", "subdistrict", "community", "grid"],
    "rules": "5b2f0c3a9d1e",
}
FIGURE: dict[str, Any] = {
    "indicator": "closure_rate",
    "name": {"zh": "结案率", "en": "Closure rate"},
    "rule": "closed / need_close",
    "by": "due",
    "post": None,
    "dimension": "district",
    "value": "370202",
    "value_name": {"zh": "市南区", "en": "Shinan"},
    "numerator": 48,
    "denominator": 59,
    "rate": 0.8135593220338984,
    "adjusted_numerator": 48,
    "adjusted_denominator": 59,
    "adjusted_rate": 0.8135593220338984,
}
GROUNDS: dict[str, Any] = {"rule": "category", "zh": "按类别派遣", "en": "by category", "nearest": None, "distance_m": None, "age_s": None}
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UNIT = "sanitation-370202"
PERSON: dict[str, Any] = {
    "id": "wang.fang",
    "name": "王芳",
    "role": "dispatcher",
    "level": "district",
    "district": "370202",
    "unit": None,
    "below": [],
    "kind": "account",
    "scopes": [],
}
SESSION: dict[str, Any] = {
    "person": PERSON,
    "csrf": "5f2c…",
    "permissions": ["read", "command", "export"],
    "commands": ["dispatch", "note"],
}
GIVEN: dict[str, Any] = {"command_id": "3f1c0d9e-2a41", "case_id": ID, "state": "dispatched", "sequence": 5, "revision": 3}
FACT: dict[str, Any] = {
    "sequence": 4,
    "type": "dispatched",
    "at": "2026-11-21T00:15:04Z",
    "actor": {"id": "system:routing", "role": "system", "unit": None},
    "note": None,
    "reason": None,
    "changes": {"unit": UNIT, "state": "dispatched"},
}
SOURCE: dict[str, Any] = {
    "source": "/cameras/37020200012",
    "count": 7,
    "first": "2026-11-21T00:15:02Z",
    "last": "2026-11-21T00:21:40Z",
    "channel": "low_video",
    "reason": "opened",
    "statement": None,
}
NEAR: dict[str, Any] = {"row": ROW, "distance_m": 14, "minutes": 22, "score": 0.81}
ACTION: dict[str, Any] = {"command": "report_handled", "needs": ["evidence_or_handed_on"], "reason_required": False}
PRESENT: dict[str, Any] = {"person": "wang.fang", "name": "王芳", "doing": "viewing", "until": "2026-11-21T00:22:10Z"}
PAGE: dict[str, Any] = {
    "case": {"case_id": ID, "state": "handling", "place": {"lon": 120.3826, "lat": 36.0671, "district": "370202"}},
    "row": ROW,
    "actions": [ACTION],
    "deadline": None,
    "unfiled": None,
    "merged": [],
    "suggestions": [NEAR],
    "reports": [SOURCE],
    "presence": [PRESENT],
}
TOLD: dict[str, Any] = {
    "source": "/cameras/37020200012",
    "id": "6f0c",
    "time": "2026-11-21T08:20:42+08:00",
    "category": "road_spillage",
    "channel": "low_video",
    "topic": "incidents.reported",
    "appended_at": "2026-11-21T00:20:42.412+00:00",
    "partition": 3,
    "offset": 81624,
    "verdict": "merged",
    "reason": "same_place 12 m 340 s",
    "rule": "same_place",
    "distance_m": 12,
    "seconds": 340,
    "held": None,
    "rules": "5b2f0c3a9d1e",
    "case_id": ID,
    "case_state": "handling",
    "merged_into": None,
}
POSITION: dict[str, Any] = {"unit": UNIT, "state": "available", "at": "2026-11-21T00:15:02Z", "lon": 120.38, "lat": 36.07, "case_id": None}
PERIOD: dict[str, Any] = {"period": "2026-11", "as_of": "2026-11-21T01:00:00Z", "rules": "1d0c7a64f2b3"}
ENTRY: dict[str, Any] = {
    "sequence": 812,
    "at": "2026-11-21T00:41:07.112Z",
    "kind": "unsealed",
    "person": "wang.fang",
    "what": {"case_id": ID, "district": "370202", "purpose": "回访来电人，核实处理结果", "fields": ["reporter.phone"]},
    "hash": SHA256,
}
TAKEN: dict[str, Any] = {"accepted": 1, "ids": ["6f0c"], "refused": [], "skipped": 0}
SCORE: dict[str, Any] = {
    "unit": UNIT,
    "name": {"zh": "市南区环卫", "en": "Shinan sanitation"},
    "raw": 92.5,
    "adjusted": 93.1,
    "parts": [FIGURE],
}
STORED: dict[str, Any] = {
    "sha256": SHA256,
    "media_type": "image/jpeg",
    "size": 184_220,
    "captured_at": "2026-11-21T01:40:12Z",
    "lon": 120.3827,
    "lat": 36.0670,
    "width": 1600,
    "height": 1200,
    "url": f"/api/v1/evidence/{SHA256}",
    "thumbnail_url": f"/api/v1/evidence/{SHA256}/thumbnail",
}
ORDER: dict[str, Any] = {
    "工单编号": "2026112100017",
    "来电时间": "2026-11-21 08:15:02",
    "受理坐席": "7",
    "问题类型": "道路遗撒",
    "诉求内容": "路面有渣土",
    "事发地址": "香港中路 12 号",
    "经度": "120.3876",
    "纬度": "36.0675",
    "来电人": "刘女士",
    "来电号码": "13800001111",
}
AUDIT: dict[str, Any] = {
    "now": "2026-11-21T01:30:00Z",
    "speed": 1.0,
    "reported": 4012,
    "opened": 640,
    "merged": 3201,
    "held": 120,
    "resent": 40,
    "rejected": 11,
    "lost": 0,
    "pending": 0,
}
TOTAL: dict[str, Any] = {name: SOURCE[name] for name in ("source", "count", "first", "last")} | {"partition": 3, "offset": 81624}
FILE: dict[str, Any] = {
    "city": "qingdao",
    "exported_at": "2026-11-21T02:00:00Z",
    "exported_by": "wang.fang",
    "case": PAGE["case"],
    "row": ROW,
    "facts": [FACT],
    "reports": [SOURCE],
    "evidence": [{"given": "seen", "sha256": SHA256, "url": None, "media_type": "image/jpeg", "captured_at": "2026-11-21T00:15:02Z"}],
    "journal": [],
}
ROUTED: dict[str, Any] = {
    "unit": UNIT,
    "assisting": [],
    "rule": "category",
    "grounds": GROUNDS,
    "condition": "over_3m2",
    "severity": "normal",
    "limit": "4 work_hour",
    "deadline": "2026-11-21T04:15:00Z",
    "escalation": [{"at": "2026-11-21T03:27:00Z", "what": "remind", "level": None}],
    "rules": "5b2f0c3a9d1e",
}

ALERT: dict[str, Any] = {
    "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
    "annotations": {"summary": "db-1 has 3 % of its disk left"},
    "startsAt": "2026-11-21T00:15:02Z",
    "endsAt": "2026-11-21T00:19:02Z",
    "generatorURL": "http://prometheus.example/graph?g0.expr=disk",
}
FIRING: dict[str, Any] = {
    **ALERT,
    "receivers": [{"name": "operations"}],
    "fingerprint": "1e2f8a4b0c9d7e63",
    "updatedAt": "2026-11-21T00:15:03Z",
    "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "case_id": ID,
}
SILENCE: dict[str, Any] = {
    "matchers": [{"name": "district", "value": "370203", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-11-21T00:15:00Z",
    "endsAt": "2026-11-21T02:15:00Z",
    "createdBy": "wang.fang",
    "comment": "drill until noon",
}
SILENCED: dict[str, Any] = {
    **SILENCE,
    "id": "7b6f2f9e-63a4-4f0e-9f0c-1c52f4a1c2de",
    "status": {"state": "active"},
    "updatedAt": "2026-11-21T00:15:03Z",
    "repeats": "never",
    "until": None,
}
STATUS: dict[str, Any] = {
    "cluster": {"name": "", "status": "disabled", "peers": []},
    "versionInfo": {"branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "", "version": "1.0"},
    "config": {"original": "route:\n  receiver: 'operations'\nreceivers:\n- name: 'operations'\n"},
    "uptime": "2026-11-21T00:00:00Z",
}
HOOK: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="DiskFull"}',
    "status": "firing",
    "receiver": "cityloop",
    "alerts": [{**ALERT, "status": "firing", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "1e2f8a4b0c9d7e63"}],
}
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>37020041600000_20261121081500</identifier>
  <sender>qingdao@cma.example</sender>
  <sent>2026-11-21T08:15:00+08:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>zh-CN</language>
    <category>Met</category>
    <event>暴雨</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <expires>2026-11-21T20:00:00+08:00</expires>
    <headline>青岛市发布暴雨橙色预警</headline>
    <area>
      <areaDesc>青岛市市南区</areaDesc>
      <circle>36.0671,120.3826 5</circle>
    </area>
  </info>
</alert>
"""

"""What the OpenAPI document shows of each operation: a request and the answer to it, all of one spillage on one morning."""

from typing import Any

from console import example_notices as notices
from console import example_values as of

BODIES: dict[str, Any] = {
    "post /session": {"account": "wang.fang", "password": "four words that nobody guesses"},
    "post /password": {"old": "four words that nobody guesses", "new": "a lantern behind seven dunes"},
    "post /cases/{case_id}/commands": {"type": "dispatch", "unit": of.UNIT, "id": "3f1c0d9e-2a41"},
    "post /commands": {"commands": [{"id": "3f1c0d9e-2a41", "case_id": of.ID, "type": "note", "note": "请尽快处理"}]},
    "post /cases/{case_id}/presence": {"doing": "viewing"},
    "post /cases/{case_id}/unseal": {"purpose": "回访来电人，核实处理结果", "fields": ["reporter"]},
    "post /units/{unit}/position": {"lon": 120.38, "lat": 36.07, "state": "available"},
    "post /sources/{mapping}": [of.ORDER],
    "post /api/v2/alerts": [of.ALERT],
    "post /sources/alertmanager": of.HOOK,
    "post /api/v2/silences": of.SILENCE,
    "post /evidence": {"file": "(the bytes)", "case_id": of.ID},
}
"""Request body by operation."""

ANSWERS: dict[str, Any] = {
    "get /audit": of.AUDIT,
    "get /catalogue": of.CATALOGUE,
    "get /cases": {"cases": [of.ROW], "next": None, "total": 1, "at_least": False},
    "get /map": {"points": [of.POINT], "complete": True},
    "get /counts": {"tabs": {"to_file": 4, "overdue": 1}, "states": {"reported": 4}, "districts": {"370202": 4}},
    "get /cases/{case_id}/reports": {"report_count": 1, "sources": [of.TOTAL], "reports": [of.TOLD]},
    "get /cases/{case_id}/file": of.FILE,
    "post /routing:test": of.ROUTED,
    "post /session": of.SESSION,
    "get /session": of.SESSION,
    "post /password": {"ended": 1},
    "get /cases/{case_id}": of.PAGE,
    "get /cases/{case_id}/events": {"events": [of.FACT], "next": None},
    "get /tasks": {
        "tasks": [{**of.ROW, "why": {"zh": "按类别派遣", "en": "by category"}, "closing_condition": None, "actions": [of.ACTION]}]
    },
    "get /similar": {"similar": [of.NEAR]},
    "get /explain": {"reports": [of.TOLD]},
    "post /cases/{case_id}/commands": of.GIVEN,
    "get /commands/{command_id}": of.GIVEN,
    "post /commands": {"outcomes": [{**of.GIVEN, "status": 200, "problem": None}]},
    "post /cases/{case_id}/presence": {**of.PRESENT, "case_id": of.ID},
    "post /cases/{case_id}/unseal": {
        "case_id": of.ID,
        "entry": 812,
        "values": {"statements.0.reporter.phone": "13800001111"},
        "erased": {},
        "unreadable": {},
    },
    "post /sources/alertmanager": {"accepted": 1, "skipped": 0, "why": None},
    "post /sources/cap": {"accepted": 1, "skipped": 0, "why": None},
    "get /api/v2/alerts": [of.FIRING],
    "get /api/v2/alerts/groups": [{"labels": {"alertname": "DiskFull"}, "receiver": {"name": "operations"}, "alerts": [of.FIRING]}],
    "get /api/v2/receivers": [{"name": "operations"}],
    "get /api/v2/silences": [of.SILENCED],
    "get /api/v2/silence/{silence_id}": of.SILENCED,
    "post /api/v2/silences": {"silenceID": of.SILENCED["id"]},
    "get /api/v2/status": of.STATUS,
    "post /evidence": of.STORED,
    "post /events": of.TAKEN,
    "post /sources/{mapping}": of.TAKEN,
    "get /sources": {"mappings": [{"name": "hotline12345", "about": "12345 orders", "columns": ["工单编号", "来电时间"]}]},
    "post /units/{unit}/position": of.POSITION,
    "get /units/positions": {"positions": [of.POSITION]},
    "get /units": {
        "units": [
            {
                "key": of.UNIT,
                "name": {"zh": "市南区环卫", "en": "Shinan sanitation"},
                "kind": "sanitation",
                "level": "district",
                "district": "370202",
                "area": None,
                "parent": None,
                "handles": [],
            }
        ]
    },
    "get /hooks": notices.HOOKS,
    "get /cases/{case_id}/notices": notices.NOTICES,
    "get /journal": {"entries": [of.ENTRY], "next": None},
    "get /indicators": {**of.PERIOD, "figures": [of.FIGURE]},
    "get /indicators/scores": {**of.PERIOD, "units": [of.SCORE]},
}
"""The first successful answer by operation; those with an example of their own model are not here."""

PARAMETERS = {
    "case_id": of.ID,
    "sha256": of.SHA256,
    "unit": of.UNIT,
    "command_id": "3f1c0d9e-2a41",
    "mapping": "hotline12345",
    "silence_id": of.SILENCED["id"],
}
"""Value of every parameter of an address."""


def shown(name: str, operation: dict[str, Any]) -> None:
    """Put the examples of an operation into its part of the document; `name` as in `BODIES`."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["example"] = PARAMETERS.get(parameter["name"])
    if name in BODIES:
        next(iter(operation["requestBody"]["content"].values()))["example"] = BODIES[name]
    if name in ANSWERS:
        status = min(status for status in operation["responses"] if status.startswith("2"))
        operation["responses"][status]["content"]["application/json"]["example"] = ANSWERS[name]

"""Values that the examples of the OpenAPI document show of notices (console/examples.py)."""

from typing import Any

from console.example_values import ID

MESSAGE: dict[str, Any] = {
    "id": "n_4f0c2a9d@emergency/webhook/0",
    "target": "emergency/webhook/0",
    "state": "dead",
    "what": "first notification",
    "firing": True,
    "drill": False,
    "cases": [ID],
    "count": 1,
    "queued_at": "2026-11-21T00:15:03Z",
    "ended_at": "2026-11-22T00:16:00Z",
    "attempts": 12,
    "last": {
        "at": "2026-11-22T00:16:00Z",
        "seconds": 0.21,
        "outcome": "retry",
        "reason": "serverError",
        "status": 503,
        "detail": "HTTP 503",
    },
}
HOOKS: dict[str, Any] = {
    "configured": True,
    "ready": True,
    "dispatching": True,
    "queue": {"waiting": 0, "dead": 1, "open": 1, "oldest_at": None, "next_at": None},
    "targets": [
        {
            "target": "emergency/webhook/0",
            "receiver": "emergency",
            "kind": "webhook",
            "urgent": True,
            "fallback": ["chat/dingtalk/0"],
            "state": "open",
            "waiting": 0,
            "failures": 12,
            "failing_since": "2026-11-21T00:15:03Z",
            "quiet_until": "2026-11-22T00:17:00Z",
            "disabled": None,
        }
    ],
    "rules": [
        {
            "rule": '{}/{severity="emergency"}',
            "kind": "node",
            "receiver": "emergency",
            "matchers": ['severity="emergency"'],
            "times": 3,
            "last_at": "2026-11-21T00:15:03Z",
        }
    ],
    "silences": [
        {
            "id": "7b6f2f9e-63a4-4f0e-9f0c-1c52f4a1c2de",
            "state": "active",
            "matchers": ['district="370203"'],
            "starts_at": "2026-11-21T00:15:00Z",
            "ends_at": "2026-11-21T02:15:00Z",
            "repeats": "never",
            "until": None,
            "owner": "wang.fang",
            "comment": "resurfacing of Shandong Road",
        }
    ],
    "dead": [MESSAGE],
    "waiting": [],
}
NOTICES: dict[str, Any] = {
    "notices": [
        {
            "at": "2026-11-21T00:15:02Z",
            "receiver": "emergency",
            "node": "0/0",
            "reason": "first notification",
            "why": "1 alert fires that the receiver has not heard of",
            "deliveries": [MESSAGE],
        }
    ]
}

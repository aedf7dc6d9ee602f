"""The role `hooks` as a process whose waits are in miniature; started, killed and started again by test_hooks.py.

`python -m tests.journeys.telling`: settings from the environment, as `cityloop worker --only hooks`. A failed delivery is tried again after
twenty milliseconds, a killed process's deliveries and lease are free after a second.
"""

import functools
import sys
from datetime import timedelta
from unittest.mock import patch

from config.settings import load_settings
from handlers.channel import Profile
from handlers.engine import Rules
from handlers.schedule import Schedule
from streams.hooks_setup import open_setup
from streams.topology import roles
from streams.worker import run_worker

SECOND = timedelta(seconds=1)
QUICK = Rules({profile: Schedule((0.02,) * 200) for profile in Profile}, probe=SECOND / 20, lease=SECOND)

SMALL = {
    "adapters.hook_state_redis.LEASE_MS": 1_000,
    "streams.hooks_shift.SURE_MS": 800,
    "streams.hooks_shift.RENEW_S": 0.2,
    "streams.hooks.open_setup": functools.partial(open_setup, rules=QUICK),
}

if __name__ == "__main__":
    for name, value in SMALL.items():
        patch(name, value).start()
    sys.exit(run_worker(load_settings(), roles(["hooks"])))

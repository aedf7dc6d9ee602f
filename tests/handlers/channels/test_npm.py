"""The npm library `standardwebhooks` accepts what is sent, and nothing else: another language's reading of the same specification."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.handlers.channels.notices import fact, notice, operational, sent, target

SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
VERIFY = """
const { Webhook } = require("standardwebhooks");
const { secret, messages } = JSON.parse(require("fs").readFileSync(0));
const says = messages.map(({ headers, body }) => {
  try { return new Webhook(secret).verify(body, headers).type; } catch (error) { return error.constructor.name; }
});
console.log(JSON.stringify(says));
"""


@pytest.mark.slow
def test_the_npm_library_accepts_what_is_sent_and_nothing_else(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm here: install nodejs and npm")
    subprocess.run(["npm", "install", "--silent", "--prefix", tmp_path, "standardwebhooks@1.1.1"], check=True, timeout=240)
    where = target("webhook", SECRETS, url="https://x.example")
    outgoing = [sent("webhook", told, where, datetime.now(UTC)) for told in (fact(), notice(), operational())]
    messages = [{"headers": dict(each.headers), "body": each.body.decode()} for each in outgoing]
    messages.append({**messages[0], "body": messages[0]["body"].replace("emergency", "minor")})  # type: ignore[attr-defined]
    for secret in SECRETS:
        asked = json.dumps({"secret": secret, "messages": messages})
        done = subprocess.run(["node", "-e", VERIFY], cwd=tmp_path, input=asked, capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout) == ["case.escalated", "notice.firing", "endpoint.failing", "WebhookVerificationError"]

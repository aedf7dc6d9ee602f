"""Whether a webhook that came in was signed by whom we know, by Standard Webhooks 1.0 (standardwebhooks.com).

The secrets of a source stand in `webhooks/<source>` of the folder of secrets, one `whsec_…` a line: all hold, so that one can follow
another. The file is read when it is asked for; a new one needs no restart.
"""

from collections.abc import Mapping
from pathlib import Path

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from config.settings import Settings
from incidents.errors import UserError

FOLDER = "webhooks"
PREFIX = "whsec_"
OTHERS = 0o077
FORGED = (WebhookVerificationError, ValueError)
"""What the library raises for a signature that is none; ValueError is its own for a header that has not the shape of one."""


class Signers:
    """The secrets of sources. Blocks for a file; every call reads it again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_signed(self, source: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the source's secrets signed this body within the last 5 minutes (or the next, for clocks differ).

        Raises UserError for a file of secrets that cannot be used: naming it, and never what is in it.
        """
        return any(_verifies(signer, headers, body) for signer in self._of(source))

    def _of(self, source: str) -> list[Webhook]:
        path = self._folder / source
        if not path.is_file():
            return []
        if path.stat().st_mode & OTHERS:
            raise UserError(f"{path} may be read by others; `chmod 600 {path}`")
        lines = path.read_text("utf-8").split()
        try:
            if not all(line.startswith(PREFIX) for line in lines):
                raise ValueError
            return [Webhook(line) for line in lines]
        except (ValueError, EmptyWebhookSecretError):  # binascii.Error is one
            raise UserError(f"{path} holds something that is no secret; write one whsec_… a line") from None


def _verifies(signer: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        signer.verify(body, dict(headers), json_parse=False)
    except FORGED:
        return False
    return True


def open_signers(settings: Settings) -> Signers:
    """Those of the settings' folder of secrets."""
    return Signers((settings.secrets_dir or settings.local_dir / "secrets") / FOLDER)

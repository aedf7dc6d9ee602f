"""Mail by SMTP: a plain text that every telephone shows, one receiver to each target, the same Message-ID on every attempt.

Mails of one line (a case, or a group) refer to one thread. Answers are read as RFC 5321 has them: 4xx comes again, 5xx is final but for a
wrong password.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from pydantic import Field

from handlers.channel import Failure, Limit, Outcome, Outgoing, Target, Verdict
from handlers.robots import title_of
from handlers.shown import view
from handlers.templates import Worded, fitted, plain, rendered, text
from incidents.notices import Notice, digest_of

ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$"
AUTH = frozenset({454, 530, 534, 535, 538})
MOST_TEXT = 60_000


class EmailSettings(Worded):
    """One receiver at one server; the secret is the password of `username`."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$")
    port: int | None = Field(None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str = ""
    sender: str = Field(pattern=ADDRESS)
    to: str = Field(pattern=ADDRESS, repr=False)


class Email:
    """See handlers.channel.Channel."""

    kind = "email"
    settings: type[Worded] = EmailSettings
    limit: Limit | None = Limit(30)
    most_bytes = 120_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, EmailSettings)
        envelope = {"from": settings.sender, "to": settings.to}
        if settings.security == "starttls":
            envelope["starttls"] = "required"
        if settings.username:
            envelope |= {"username": settings.username, "password": target.secrets[0] if target.secrets else ""}
        port = f":{settings.port}" if settings.port else ""
        url = f"{'smtps' if settings.security == 'tls' else 'smtp'}://{settings.host}{port}"
        return Outgoing("SEND", url, envelope, _mail(notice, target, settings).as_bytes())

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        detail = f"SMTP {status}: {body[:200].decode(errors='replace')}"
        if 200 <= status < 300:
            return Verdict(Outcome.OK)
        if status in AUTH:
            return Verdict(Outcome.RETRY, Failure.AUTH, None, detail)
        if 500 <= status < 600:
            return Verdict(Outcome.REFUSED, Failure.CLIENT, None, detail)
        return Verdict(Outcome.RETRY, Failure.SERVER, None, detail)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def _mail(notice: Notice, target: Target, settings: EmailSettings) -> EmailMessage:
    domain = settings.sender.partition("@")[2]
    mail = EmailMessage(SMTP)
    mail["From"], mail["To"] = settings.sender, settings.to
    mail["Subject"] = title_of(notice, target, settings, plain)
    mail["Date"] = format_datetime(notice.at)
    mail["Message-ID"] = f"<{notice.id}@{domain}>"
    mail["References"] = f"<{hashlib.sha256(notice.group_key.encode()).hexdigest()[:32]}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    mail["X-Cityloop-Drill"] = "yes" if notice.drill else "no"
    source = settings.text or text("text", settings.language)

    def written(cases: int) -> str:
        return rendered(source, view(notice, target, settings.language, cases), plain)

    mail.set_content(fitted(written, lambda whole: len(whole.encode()), MOST_TEXT, settings.language) + "\n", cte="base64")
    return mail


CHANNEL = Email()

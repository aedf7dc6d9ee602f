"""Asks a process over HTTP whether it is well: the health check of containers, and whoever waits for a role to be ready."""

from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from incidents.errors import UserError


@dataclass(frozen=True)
class Health:
    """What one address answered: `status` is the HTTP status, None when nothing answered; `said` is its body or the error."""

    url: str
    well: bool
    status: int | None
    said: str


def ask(url: str, within_s: float) -> Health:
    """One GET, past any proxy. Raises UserError when `url` is no http address."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"{url!r} is no address; write it as http://127.0.0.1:8080/healthz")
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=within_s) as answer:
            return Health(url, True, answer.status, answer.read(10_000).decode(errors="replace"))
    except HTTPError as error:
        with error:
            return Health(url, False, error.code, error.read(10_000).decode(errors="replace"))
    except (URLError, OSError) as error:
        return Health(url, False, None, str(getattr(error, "reason", error)))

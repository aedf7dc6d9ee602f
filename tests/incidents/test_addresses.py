"""Where notices may not be sent: every special-purpose network, and every form that hides one."""

import socket
from pathlib import Path

import pytest

from incidents.addresses import opened, refusal
from incidents.errors import UserError

DENIED, ALLOWED = ((Path(__file__).parent / f"addresses_{name}.txt").read_text().split() for name in ("denied", "allowed"))
FORMS = ("2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::1]", "localhost", "")
"""Forms of 127.0.0.1 that `getaddrinfo` of Python 3.11 takes for a name's address, and other texts that are none."""


@pytest.mark.parametrize("address", DENIED)
def test_an_address_of_a_special_network_is_refused_with_its_reason(address: str) -> None:
    """More than the 45 that other products' tables have."""
    assert refusal(address), address


@pytest.mark.parametrize("address", ALLOWED)
def test_a_public_address_is_allowed(address: str) -> None:
    """Also just beside the special networks."""
    assert refusal(address) is None


@pytest.mark.parametrize("text", FORMS)
def test_a_form_that_is_no_address_is_refused(text: str) -> None:
    """Only what a resolver answers is asked about, never what somebody wrote."""
    assert refusal(text) == "no IP address"


@pytest.mark.parametrize("text", FORMS[:4])
def test_what_a_resolver_makes_of_such_a_form_is_refused(text: str) -> None:
    """So a URL with it reaches nobody either."""
    answers = {str(info[4][0]) for info in socket.getaddrinfo(text, 443, type=socket.SOCK_STREAM)}
    assert answers == {"127.0.0.1"}
    assert all(refusal(answer) for answer in answers)


def test_an_administrator_opens_networks_and_nothing_else() -> None:
    """City networks are private."""
    allowed = opened(["10.20.0.0/16", "fd00:20::/32"])
    assert refusal("10.20.3.4", allowed) is None
    assert refusal("fd00:20::1", allowed) is None
    assert refusal("10.21.0.1", allowed) == "private"
    assert refusal("::ffff:10.20.3.4", allowed) == "an IPv4 address in another form"
    with pytest.raises(UserError, match=r"'10\.20\.0\.1/16' is no network"):
        opened(["10.20.0.1/16"])

"""Where notices may be sent: our own table of addresses that are nobody's business from outside, asked for every address and attempt.

Python's `ipaddress` calls 14 of the 34 addresses that must be refused global (ALERTS.md §4), so nothing here rests on `is_private`: what is
in no special-purpose registry of the IANA (RFC 6890, 8190, 9602, 9637; IPv4 multicast RFC 5771) is allowed. An IPv6 address that carries
an IPv4 one (mapped, compatible, NAT64, 6to4, ISATAP, Teredo) is refused as such, whatever it carries: no public receiver has only that.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from incidents.errors import UserError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_TABLE = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a carrier",
    "127.0.0.0/8": "this machine",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "::/96": "this machine, or an IPv4 address in another form",
    "::ffff:0:0/96": "an IPv4 address in another form",
    "::ffff:0:0:0/96": "an IPv4 address in another form",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "100::/64": "discarded",
    "100:0:0:1::/64": "dummy",
    "2001::/23": "protocol assignments, Teredo",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
DENIED: tuple[tuple[Network, str], ...] = tuple((ip_network(network), why) for network, why in _TABLE.items())
ISATAP = (0x00005EFE, 0x02005EFE)
"""Upper half of an interface identifier that carries an IPv4 address (RFC 5214)."""


def refusal(address: str, allowed: Iterable[Network] = ()) -> str | None:
    """Why nothing may be sent to an address, None when it may; `allowed` are the networks that an administrator opened.

    The text is an address as a resolver gives it. What is none (also `0x7f.1`, `127.1` and other forms of old libraries) is refused.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return "no IP address"
    if any(found.version == network.version and found in network for network in allowed):
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return "bound to one of this machine's links"
        if (int(found) >> 32) & 0xFFFFFFFF in ISATAP:
            return "ISATAP: an IPv4 address in another form"
    return next((why for network, why in DENIED if found.version == network.version and found in network), None)


def opened(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a deployment's allow list. Raises UserError naming what is none."""
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            raise UserError(f"{text!r} is no network ({error}); write it like 10.20.0.0/16") from None
    return tuple(networks)

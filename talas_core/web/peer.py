"""Whose request this is: the client's address, also behind proxies.

Does:        take the address of the connection; where that is a trusted proxy, the nearest hop of
             X-Forwarded-For that is not one.
Never:       believes a header that did not come through a trusted proxy, or a hop before the first
             stranger, which whoever sent the request could have made up.
Guarantees:  an IPv4 address written as IPv6 is the IPv4 address: nobody has two.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from talas_core.errors import SettingError

Address = IPv4Address | IPv6Address

MOST_HOPS = 32
_FORWARDED_FOR = "X-Forwarded-For"
_SUBSCRIBER_BITS = 64
"""What one subscriber has of IPv6: all of 2^64 addresses are theirs."""


FORWARDED = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
)  # fmt: skip
"""What proxies of HTTP add to a head (RFC 7239, RFC 9110 section 7.6.3, and custom)."""


class Proxies:
    """The networks whose word is taken for where a request comes from."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """`networks` such as 10.0.0.0/8 or ::1. Raises SettingError."""
        try:
            self._networks = tuple(ip_network(each) for each in networks)
        except ValueError as error:
            sentence = "Networks such as 10.0.0.0/8, comma-separated"
            raise SettingError("TALAS_TRUSTED_PROXIES", str(error), sentence) from error

    def trusts(self, address: Address) -> bool:
        """Whether `address` is a proxy's."""
        return any(address in network for network in self._networks)

    def client(self, peer: str | None, forwarded_for: Sequence[str] = ()) -> Address | None:
        """Where a request comes from that `peer` sent with these X-Forwarded-For headers; None
        where the connection has no address."""
        address = address_of(peer or "")
        if address is None or not forwarded_for or not self.trusts(address):
            return address
        hops = ",".join(forwarded_for).rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        for hop in reversed(hops):
            before = address_of(_without_port(hop.strip()))
            if before is None:
                return address  # what follows a hop without a meaning is not told by a proxy
            address = before
            if not self.trusts(address):
                return address
        return address


PROXIES = web.AppKey("proxies", Proxies)
_NOBODY = Proxies()


def client(request: web.Request) -> Address | None:
    """Where `request` comes from, by the application's PROXIES."""
    trusted = request.app.get(PROXIES) or _NOBODY
    return trusted.client(request.remote, request.headers.getall(_FORWARDED_FOR, ()))


def passed_on(headers: Container[str]) -> bool:
    """Whether a request says that a proxy of HTTP has passed it on; `headers` by small letters.
    A hint to be helpful by: anybody can say so, and nginx by itself does not."""
    return any(name in headers for name in FORWARDED)


def subscriber(address: Address | None) -> str:
    """What limits count as one client: an IPv4 address, or a /64 of IPv6."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address)


def counted(text: str) -> str:
    """What limits count the address in `text` as; any other text as itself."""
    address = address_of(text)
    return text if address is None else subscriber(address)


def address_of(text: str) -> Address | None:
    """The address that `text` is; None where it is none. One of IPv4 written as IPv6 is IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(hop: str) -> str:
    """The address in 192.0.2.1:80, [2001:db8::1]:80 or [2001:db8::1]."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop

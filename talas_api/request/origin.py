"""Where a request, and what comes of it, comes from.

Does:        read a request's device off its connection and headers; name who made a change, in
             which session and from where.
Never:       believes a header about an address but from a trusted proxy (talas_core/web/peer.py).
Guarantees:  the text can be kept: printable, bounded, and of characters that a database takes.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import msgspec
from aiohttp import hdrs, web

from talas_core.security.tokens import Claims
from talas_core.web import peer

LONGEST_USER_AGENT = 255


class Device(msgspec.Struct, frozen=True):
    """Where a sign-in came from, as far as the connection tells."""

    user_agent: str
    address: IPv4Address | IPv6Address | None

    @property
    def where(self) -> str | None:
        """The address as the audit log takes it."""
        return str(self.address) if self.address is not None else None


class Origin(msgspec.Struct, frozen=True):
    """Where a change comes from: who made it, in which session, from where; or, where no person is
    known, by what `method`."""

    actor_id: UUID | None = None
    session_id: UUID | None = None
    address: str | None = None
    method: str = ""


def origin_of(who: Claims, device: Device) -> Origin:
    """What somebody signed in does on a device, as the audit log takes it."""
    return Origin(UUID(who.sub), UUID(who.sid), device.where)


def device(request: web.Request) -> Device:
    """Where a request comes from, in a form that can be kept: aiohttp hands over header bytes that
    are not UTF-8 as lone surrogates, which no database takes."""
    agent = request.headers.get(hdrs.USER_AGENT, "").encode("utf-8", "replace").decode()
    plain = "".join(character for character in agent if character.isprintable())
    return Device(plain[:LONGEST_USER_AGENT], peer.client(request))

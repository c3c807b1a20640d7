"""Where a request, and what comes of it, comes from.

Does:        name the device that a request came from, and who made a change, in which session and
             from where.
Never:       reads a request: device.py does.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import msgspec

from talas_core.security.tokens import Claims


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

"""What comes in and goes out of sessions."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.accounts.values import Account


class RefreshRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token of the last answer."""

    refresh_token: Annotated[
        str, Meta(max_length=256, description="must be the refresh token of your last sign-in")
    ]


class Grant(msgspec.Struct, frozen=True):
    """What signing in gives. `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: Account


class Device(msgspec.Struct, frozen=True):
    """Where a sign-in came from, as far as the connection tells."""

    user_agent: str
    address: IPv4Address | IPv6Address | None


class Session(msgspec.Struct, frozen=True):
    """One sign-in on one device. `refresh_hash` is the SHA-256 of its only good refresh token."""

    id: UUID
    user_id: UUID
    refresh_hash: bytes
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ended: bool = False

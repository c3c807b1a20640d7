"""What comes in and goes out of sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.identity.values import Account
from talas_api.request.origin import Device


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


class LiveSession(msgspec.Struct, frozen=True):
    """A session that goes on, with where it was begun."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    device: Device


class SessionView(msgspec.Struct, frozen=True):
    """One of a person's sessions, as they see it: from where it was begun, when it was last used,
    when it ends at the latest, and whether it is the one that asks."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    user_agent: str
    address: str | None
    current: bool


class EndQuery(msgspec.Struct, frozen=True, rename={"spare": "except"}, forbid_unknown_fields=True):
    """Which sessions to leave: `?except=current` the one that asks."""

    spare: Literal["current"] | None = None


class Ended(msgspec.Struct, frozen=True):
    """All sessions that ended after `since`."""

    since: datetime
    ids: list[UUID]


class Session(msgspec.Struct, frozen=True):
    """One sign-in on one device. `refresh_hash` is the SHA-256 of its only good refresh token,
    `previous_hash` of the one exchanged for it."""

    id: UUID
    user_id: UUID
    refresh_hash: bytes
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ended: bool = False
    previous_hash: bytes | None = None

"""Security events: what is written down, and nothing else.

Does:        name the kinds of events and what may be said of each.
Never:       holds a token, a password or an e-mail address: people are named by id, and every
             detail is one of a few words or numbers.
Guarantees:  an event fits a row and a line: its detail is bounded and has no control characters.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.request.origin import Origin
from talas_core.messages import SecurityEvent, StreamEvent

LARGEST_PAGE = 100
MOST_DETAIL = 8
LONGEST_VALUE = 64

DETAILS = frozenset({"count", "method", "name", "outcome", "previous", "reason", "role", "route",
                     "scopes", "station_id", "token_id"})  # fmt: skip
"""What a detail may be about. `name` is never that of a person, nor one that a person chose."""


class Kind(StrEnum):
    """What happened."""

    REGISTERED = "account.registered"
    REGISTERED_AGAIN = "account.registered_again"
    SIGNED_IN = "login.succeeded"
    SIGN_IN_FAILED = "login.failed"
    SIGNED_OUT = "session.ended"
    SESSIONS_ENDED = "session.all_ended"
    REFRESH_REUSED = "session.refresh_reused"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    PASSWORD_FORGOTTEN = "password.forgotten"  # noqa: S105 - the name of an event
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the name of an event
    PASSWORD_REHASHED = "password.rehashed"  # noqa: S105 - the name of an event
    EMAIL_VERIFIED = "email.verified"
    EMAIL_ASKED = "email.change_asked"
    EMAIL_CHANGED = "email.changed"
    TOTP_ENABLED = "totp.enabled"
    TOTP_DISABLED = "totp.disabled"
    RECOVERY_USED = "totp.recovery_used"
    CODES_GUESSED = "totp.guessed"
    LIMITED = "limit.reached"
    ROLE_CHANGED = "account.role_changed"
    DISABLED = "account.disabled"
    ENABLED = "account.enabled"
    TOKEN_MADE = "token.made"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    STATION_CHANGED = "station.changed"
    STATION_REKEYED = "station.key_renewed"
    STATION_REMOVED = "station.removed"
    REFUSED = "access.refused"
    KEYS_ROTATED = "keys.rotated"
    SOURCE_CUT = StreamEvent.SOURCE_CUT.value
    LISTENER_CUT = StreamEvent.LISTENER_CUT.value
    MOVE_REFUSED = StreamEvent.MOVE_REFUSED.value
    TITLE_SET = StreamEvent.TITLE_SET.value
    STREAM_SIGN_IN_REFUSED = StreamEvent.SIGN_IN_REFUSED.value
    STREAM_ACCESS_REFUSED = StreamEvent.ACCESS_REFUSED.value


class Event(msgspec.Struct, frozen=True):
    """One event: whom it concerns, who did it, in which session, from where.

    Raises ValueError for a detail that is not to be kept.
    """

    kind: Kind
    user_id: UUID | None = None
    actor_id: UUID | None = None
    session_id: UUID | None = None
    address: str | None = None
    detail: dict[str, str | int | bool] = {}

    def __post_init__(self) -> None:
        if len(self.detail) > MOST_DETAIL or not self.detail.keys() <= DETAILS:
            raise ValueError(f"details of an event must be among {', '.join(sorted(DETAILS))}")
        for value in self.detail.values():
            if isinstance(value, str) and (len(value) > LONGEST_VALUE or not value.isprintable()):
                raise ValueError(f"a detail is at most {LONGEST_VALUE} printable characters")

    @classmethod
    def by(
        cls, origin: Origin, kind: Kind, user_id: UUID | None, **detail: str | int | bool
    ) -> Event:
        """What somebody at `origin` did to `user_id`."""
        about = {**({"method": origin.method} if origin.method else {}), **detail}
        return cls(kind, user_id, origin.actor_id, origin.session_id, origin.address, about)


def event_of(told: SecurityEvent) -> Event:
    """What the stream port tells, as an event. Raises ValueError where an id or the address is
    none."""

    def known(text: str) -> UUID | None:
        return UUID(text) if text else None

    station_id = known(told.station_id)
    words = {"method": told.method, "outcome": told.outcome}
    return Event(
        Kind(told.kind.value),
        known(told.owner_id),
        known(told.actor_id),
        known(told.session_id),
        str(ip_address(told.address)) if told.address else None,
        {
            "count": told.count,
            **({"station_id": str(station_id)} if station_id else {}),
            **{name: word for name, word in words.items() if word},
        },
    )


class Entry(msgspec.Struct, frozen=True):
    """An event as it is kept and shown."""

    id: UUID
    at: datetime
    kind: str
    user_id: UUID | None
    actor_id: UUID | None
    session_id: UUID | None
    address: str | None
    detail: dict[str, str | int | bool]


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page: events before the one called `before`, of one person, of one kind, or of all."""

    limit: Annotated[
        int, Meta(ge=1, le=LARGEST_PAGE, description=f"must be 1 to {LARGEST_PAGE}")
    ] = 50
    before: UUID | None = None
    user: UUID | None = None
    kind: Kind | None = None


class Page(msgspec.Struct, frozen=True):
    """A page, newest event first, and the `before` of the next, if there is one."""

    entries: list[Entry]
    next: UUID | None


class PageMeta(msgspec.Struct, frozen=True):
    """The `meta` of a list answer."""

    next: UUID | None


class Recorder(Protocol):
    """Where events go."""

    async def record(self, event: Event) -> None:
        """Write it down. Never raises into what is being recorded."""
        ...

"""What is removed, and how long it is kept after it has served its purpose."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from talas_api.rooms.values import COUNTED


class Remains(StrEnum):
    """Rows that are of no more use, by their table."""

    SESSIONS = "sessions"
    PERSONAL_TOKENS = "personal_tokens"
    MAIL_TOKENS = "mail_tokens"
    EMAIL_CHANGES = "email_changes"
    RECOVERY_CODES = "recovery_codes"
    AUDIT_EVENTS = "audit_events"
    MESSAGES = "messages"
    ROOMS = "rooms"


KEPT = {
    # An access token lives for a day at most, and until then whoever is asked about one looks for
    # its session. A refresh token of a session that is gone is refused as that of one that ended.
    Remains.SESSIONS: timedelta(days=2),
    Remains.PERSONAL_TOKENS: timedelta(days=30),
    Remains.MAIL_TOKENS: timedelta(days=1),
    Remains.EMAIL_CHANGES: timedelta(days=1),
    Remains.RECOVERY_CODES: timedelta(days=1),
    # Of removed rooms. The rooms themselves count for their makers for a while (rooms/values.py).
    Remains.MESSAGES: timedelta(),
    Remains.ROOMS: COUNTED,
}
"""Since a session ended or expired, a token was revoked, used or expired, a code was used, a room
was removed. How long the audit log goes back is a setting."""

"""Removal from PostgreSQL: the port of retention/service.py.

Does:        one statement for each table, over an index.
Never:       waits for a row that somebody else holds.
Guarantees:  a statement touches no more rows than it is told to, so none holds locks for long.
"""

from __future__ import annotations

from datetime import datetime

from talas_api.retention.values import Remains
from talas_core.ids import lowest_id
from talas_core.postgres.pool import Database

SESSIONS = """
DELETE FROM sessions WHERE id = ANY (ARRAY(
    SELECT id FROM sessions WHERE least(ended_at, expires_at) < $1
    ORDER BY least(ended_at, expires_at) LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
PERSONAL_TOKENS = """
DELETE FROM personal_tokens WHERE id = ANY (ARRAY(
    SELECT id FROM personal_tokens WHERE least(revoked_at, expires_at) < $1
    ORDER BY least(revoked_at, expires_at) LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
MAIL_TOKENS = """
DELETE FROM mail_tokens WHERE token_hash = ANY (ARRAY(
    SELECT token_hash FROM mail_tokens WHERE least(used_at, expires_at) < $1
    ORDER BY least(used_at, expires_at) LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
EMAIL_CHANGES = """
DELETE FROM email_changes WHERE user_id = ANY (ARRAY(
    SELECT user_id FROM email_changes WHERE expires_at < $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
# By place in the table: the key has two columns, and the rows are locked until they are gone.
RECOVERY_CODES = """
DELETE FROM recovery_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM recovery_codes WHERE used_at < $1
    ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
# Ids rise with time: $1 is the lowest of its moment.
AUDIT_EVENTS = """
DELETE FROM audit_events WHERE id = ANY (ARRAY(
    SELECT id FROM audit_events WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
# By place in the table, as above.
MESSAGES = """
DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT said.ctid FROM rooms JOIN messages said ON said.room_id = rooms.id
    WHERE rooms.removed_at < $1
    ORDER BY rooms.removed_at LIMIT $2 FOR UPDATE OF said SKIP LOCKED))
"""
ROOMS = """
DELETE FROM rooms WHERE id = ANY (ARRAY(
    SELECT id FROM rooms WHERE removed_at < $1
        AND NOT EXISTS (SELECT FROM messages WHERE messages.room_id = rooms.id)
    ORDER BY removed_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""

_BY_TIME = {
    Remains.SESSIONS: SESSIONS,
    Remains.PERSONAL_TOKENS: PERSONAL_TOKENS,
    Remains.MAIL_TOKENS: MAIL_TOKENS,
    Remains.EMAIL_CHANGES: EMAIL_CHANGES,
    Remains.RECOVERY_CODES: RECOVERY_CODES,
    Remains.MESSAGES: MESSAGES,
    Remains.ROOMS: ROOMS,
}


class PostgresRetention:
    """Every table that has rows to remove."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, remains: Remains, before: datetime, most: int) -> int:
        if remains is Remains.AUDIT_EVENTS:
            return await self._database.run(AUDIT_EVENTS, lowest_id(before), most)
        return await self._database.run(_BY_TIME[remains], before, most)

"""LOG: what was said, in PostgreSQL.

Does:        append batches of messages, giving each the next offset of its room; read stretches.
Never:       leaves a hole in a room's offsets; numbers a message twice.
Guarantees:  what `append` returns is committed. Batches of several workers take their rooms' locks
             in one order, so they wait for each other and never for ever; while a lock is held
             every earlier message of the room can be seen, so a nonce is new or it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from talas_api.chat.values import (
    Draft,
    Entry,
    Kept,
    NonceReused,
    Outcome,
    Position,
    Sender,
    Stretch,
)
from talas_api.rooms.values import unknown
from talas_core.postgres.pool import Database, Row

APPEND = """
SELECT * FROM append_messages(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])
"""
BEFORE = """
SELECT r.epoch, r.last_offset, m."offset", m.id, m.text, m.at, m.sender_id, u.username
FROM rooms r
LEFT JOIN LATERAL (
    SELECT * FROM messages WHERE room_id = r.id AND "offset" < coalesce($2, r.last_offset + 1)
    ORDER BY "offset" DESC LIMIT $3
) m ON true
LEFT JOIN users u ON u.id = m.sender_id
WHERE r.id = $1 AND r.removed_at IS NULL ORDER BY m."offset"
"""
AFTER = """
SELECT m."offset", m.id, m.text, m.at, m.sender_id, u.username
FROM messages m LEFT JOIN users u ON u.id = m.sender_id
WHERE m.room_id = $1 AND m."offset" > $2 ORDER BY m."offset" LIMIT $3
"""
POSITIONS = """
SELECT id, epoch, last_offset FROM rooms WHERE id = ANY($1::uuid[]) AND removed_at IS NULL
"""


class PostgresLog:
    """The table `messages`, and the counts in `rooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Commit `drafts`, in their order; says of each where it stands, or why it does not.

        Raises Unavailable; Dangling or BadInput if a draft cannot be kept, and then none was.
        """
        columns = [
            [draft.room for draft in drafts],
            [draft.id for draft in drafts],
            [draft.sender.id for draft in drafts],
            [draft.nonce for draft in drafts],
            [draft.text for draft in drafts],
            [draft.at for draft in drafts],
        ]
        return [_outcome(row) for row in await self._database.rows(APPEND, *columns)]

    async def before(self, room: UUID, offset: int | None, limit: int) -> Stretch:
        rows = await self._database.rows(BEFORE, room, offset, limit)
        if not rows:
            raise unknown()
        position = Position(rows[0]["epoch"], rows[0]["last_offset"])
        return Stretch(position, [_entry(row) for row in rows if row["id"] is not None])

    async def after(self, room: UUID, offset: int, limit: int) -> list[Entry]:
        """The first `limit` messages after `offset`."""
        return [_entry(row) for row in await self._database.rows(AFTER, room, offset, limit)]

    async def positions(self, rooms: Sequence[UUID]) -> dict[UUID, Position]:
        """How far each of these rooms has come; a room that is gone is left out."""
        rows = await self._database.rows(POSITIONS, list(rooms))
        return {row["id"]: Position(row["epoch"], row["last_offset"]) for row in rows}


def _outcome(row: Row) -> Outcome:
    if row["offset"] is None:
        return unknown()
    if not row["is_same"]:
        return NonceReused("That nonce has another text.")
    return Kept(row["offset"], row["id"], row["is_new"])


def _entry(row: Row) -> Entry:
    name = row["username"]
    sender = None if name is None else Sender(row["sender_id"], name)
    return Entry(row["offset"], row["id"], sender, row["text"], row["at"])

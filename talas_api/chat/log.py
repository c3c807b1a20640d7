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

from talas_api.chat.values import Draft, Entry, Kept, NonceReused, Position, Sender, Stretch
from talas_core.errors import NotFound, TalasError
from talas_core.postgres.pool import Connection, Database, Row

LOCK = """
SELECT id, last_offset FROM rooms WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
KNOWN = """
SELECT m.room_id, m.sender_id, m.nonce, m."offset", m.id, m.text
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS mark (room_id, sender_id, nonce)
JOIN messages m USING (room_id, sender_id, nonce)
"""
ADD = """
WITH added AS (
    INSERT INTO messages (room_id, "offset", id, sender_id, nonce, text, at)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
        $7::timestamptz[])
)
UPDATE rooms SET last_offset = top.last_offset
FROM unnest($8::uuid[], $9::bigint[]) AS top (id, last_offset)
WHERE rooms.id = top.id
"""
BEFORE = """
SELECT r.epoch, r.last_offset, m."offset", m.id, m.text, m.at, m.sender_id, u.username
FROM rooms r
LEFT JOIN LATERAL (
    SELECT * FROM messages WHERE room_id = r.id AND "offset" < coalesce($2, r.last_offset + 1)
    ORDER BY "offset" DESC LIMIT $3
) m ON true
LEFT JOIN users u ON u.id = m.sender_id
WHERE r.id = $1 ORDER BY m."offset"
"""
AFTER = """
SELECT m."offset", m.id, m.text, m.at, m.sender_id, u.username
FROM messages m LEFT JOIN users u ON u.id = m.sender_id
WHERE m.room_id = $1 AND m."offset" > $2 ORDER BY m."offset" LIMIT $3
"""
POSITIONS = "SELECT id, epoch, last_offset FROM rooms WHERE id = ANY($1::uuid[])"

Mark = tuple[UUID, UUID, str]
"""Room, sender and nonce: what makes a draft the same as an earlier one."""
Outcome = Kept | TalasError


class PostgresLog:
    """The table `messages`, and the counts in `rooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Commit `drafts`, in their order; says of each where it stands, or why it does not.

        Raises Unavailable; Dangling or BadInput if a draft cannot be kept, and then none was.
        """
        rooms = sorted({draft.room for draft in drafts})
        marks = [_mark(draft) for draft in drafts]
        async with self._database.transaction() as connection:
            tops = {row["id"]: row["last_offset"] for row in await connection.fetch(LOCK, rooms)}
            known = await _known(connection, marks)
            batch = _Batch(tops, known)
            outcomes = [batch.place(draft, mark) for draft, mark in zip(drafts, marks, strict=True)]
            if batch.rows:
                await connection.execute(ADD, *batch.values())
        return outcomes

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


class _Batch:
    """Gives drafts their offsets, under the lock of their rooms."""

    def __init__(self, tops: dict[UUID, int], known: dict[Mark, tuple[Kept, str]]) -> None:
        self._tops = tops
        self._known = known
        self._grown: dict[UUID, int] = {}
        self.rows: list[tuple[object, ...]] = []

    def place(self, draft: Draft, mark: Mark) -> Outcome:
        """Where `draft` goes, or where its earlier attempt went."""
        if draft.room not in self._tops:
            return unknown()
        if mark in self._known:
            kept, text = self._known[mark]
            return kept if text == draft.text else NonceReused("That nonce has another text.")
        offset = self._tops[draft.room] = self._grown[draft.room] = self._tops[draft.room] + 1
        sender = draft.sender.id
        self.rows.append((draft.room, offset, draft.id, sender, draft.nonce, draft.text, draft.at))
        self._known[mark] = Kept(offset, draft.id, new=False), draft.text
        return Kept(offset, draft.id, new=True)

    def values(self) -> list[list[object]]:
        """What ADD takes: one array a column of the messages, then the rooms and their tops."""
        columns: list[list[object]] = [list(column) for column in zip(*self.rows, strict=True)]
        return [*columns, list(self._grown), list(self._grown.values())]


async def _known(connection: Connection, marks: list[Mark]) -> dict[Mark, tuple[Kept, str]]:
    """Those of `marks` that are in the log: where, and with which text."""
    columns = [list(column) for column in zip(*marks, strict=True)]
    return {
        (row["room_id"], row["sender_id"], row["nonce"]): (
            Kept(row["offset"], row["id"], new=False),
            row["text"],
        )
        for row in await connection.fetch(KNOWN, *columns)
    }


def _mark(draft: Draft) -> Mark:
    return draft.room, draft.sender.id, draft.nonce


def _entry(row: Row) -> Entry:
    name = row["username"]
    sender = None if name is None else Sender(row["sender_id"], name)
    return Entry(row["offset"], row["id"], sender, row["text"], row["at"])


def unknown() -> NotFound:
    """The room is not there."""
    return NotFound("There is no such room.")

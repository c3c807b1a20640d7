-- A room that is removed is gone for everybody at once; its messages, which may be millions, and at
-- last its row go little by little (talas_api/retention), so that nobody waits for their locks.
ALTER TABLE rooms ADD COLUMN removed_at timestamptz;
CREATE INDEX rooms_by_removal ON rooms (removed_at) WHERE removed_at IS NOT NULL;

-- As before, but for a removed room, which takes nothing any more.
CREATE OR REPLACE FUNCTION append_messages(
    room_ids uuid[], ids uuid[], sender_ids uuid[], nonces text[], texts text[], ats timestamptz[]
) RETURNS TABLE ("offset" bigint, id uuid, is_new boolean, is_same boolean)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    -- In one order for all writers: they wait for each other and never for ever.
    PERFORM FROM rooms WHERE rooms.id = ANY (room_ids) ORDER BY rooms.id FOR NO KEY UPDATE;

    WITH drafts AS (
        SELECT DISTINCT ON (room_id, sender_id, nonce) *
        FROM unnest(room_ids, ids, sender_ids, nonces, texts, ats) WITH ORDINALITY
            AS draft (room_id, id, sender_id, nonce, text, at, turn)
        ORDER BY room_id, sender_id, nonce, turn
    ), added AS (
        INSERT INTO messages (room_id, "offset", id, sender_id, nonce, text, at)
        SELECT room_id, last_offset + row_number() OVER (PARTITION BY room_id ORDER BY turn),
            drafts.id, sender_id, nonce, text, at
        FROM drafts JOIN rooms ON rooms.id = room_id AND rooms.removed_at IS NULL
        WHERE NOT EXISTS (
            SELECT FROM messages known
            WHERE known.room_id = drafts.room_id AND known.sender_id = drafts.sender_id
                AND known.nonce = drafts.nonce)
        RETURNING room_id, "offset"
    )
    UPDATE rooms SET last_offset = tops.last_offset
    FROM (SELECT room_id, max("offset") AS last_offset FROM added GROUP BY room_id) AS tops
    WHERE rooms.id = tops.room_id;

    RETURN QUERY
        SELECT kept."offset", kept.id, kept.id = draft.id, kept.text = draft.text
        FROM unnest(room_ids, ids, sender_ids, nonces, texts) WITH ORDINALITY
            AS draft (room_id, id, sender_id, nonce, text, turn)
        LEFT JOIN messages kept
            ON kept.room_id = draft.room_id AND kept.sender_id = draft.sender_id
                AND kept.nonce = draft.nonce
        ORDER BY draft.turn;
END
$$;

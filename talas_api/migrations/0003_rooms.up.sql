-- Rooms and what was said in them. A room counts its messages: last_offset is the offset of the
-- newest, and the epoch changes if that count is ever lost, so that nobody resumes into a hole.
CREATE TABLE rooms (
    id uuid PRIMARY KEY,
    name text NOT NULL
        CONSTRAINT rooms_name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    kind text NOT NULL
        CONSTRAINT rooms_kind_known CHECK (kind IN ('open', 'station')),
    created_by uuid
        CONSTRAINT rooms_created_by REFERENCES users (id) ON DELETE SET NULL,
    last_offset bigint NOT NULL DEFAULT 0
        CONSTRAINT rooms_last_offset_not_negative CHECK (last_offset >= 0),
    epoch uuid NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX rooms_by_creator ON rooms (created_by);

-- A message outlives its sender; a room takes its messages with it. The nonce is the sender's own
-- mark: a retry with the same one finds the first message instead of making a second.
CREATE TABLE messages (
    room_id uuid NOT NULL
        CONSTRAINT messages_room REFERENCES rooms (id) ON DELETE CASCADE,
    "offset" bigint NOT NULL
        CONSTRAINT messages_offset_from_one CHECK ("offset" >= 1),
    id uuid NOT NULL,
    sender_id uuid
        CONSTRAINT messages_sender REFERENCES users (id) ON DELETE SET NULL,
    nonce text NOT NULL
        CONSTRAINT messages_nonce_length CHECK (char_length(nonce) BETWEEN 1 AND 64),
    text text NOT NULL
        CONSTRAINT messages_text_length CHECK (char_length(text) BETWEEN 1 AND 4000),
    at timestamptz NOT NULL,
    PRIMARY KEY (room_id, "offset"),
    CONSTRAINT messages_nonce UNIQUE (room_id, sender_id, nonce)
);
CREATE INDEX messages_by_sender ON messages (sender_id);

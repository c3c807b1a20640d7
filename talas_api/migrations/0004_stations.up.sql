-- Stations. The stream key is 128 random bits, shown once; its SHA-256 is enough to check it, since
-- nobody can guess the input. A station keeps its room, and a station without an owner is the
-- house's own; so a person with stations cannot be deleted before these are.
CREATE TABLE stations (
    id uuid PRIMARY KEY,
    slug text NOT NULL
        CONSTRAINT stations_slug_shape
            CHECK (slug ~ '^[a-z0-9](-?[a-z0-9]){1,31}$')
        CONSTRAINT stations_slug_not_reserved
            CHECK (slug NOT IN ('admin', 'api', 'health', 'ready', 'metrics', 'status-json', 'ws', 'hls')),
    name text NOT NULL
        CONSTRAINT stations_name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    description text NOT NULL DEFAULT ''
        CONSTRAINT stations_description_length CHECK (char_length(description) <= 1000),
    owner_id uuid
        CONSTRAINT stations_owner REFERENCES users (id) ON DELETE RESTRICT,
    room_id uuid NOT NULL
        CONSTRAINT stations_room_reference REFERENCES rooms (id) ON DELETE RESTRICT,
    key_hash bytea NOT NULL
        CONSTRAINT stations_key_hash_length CHECK (octet_length(key_hash) = 32),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT stations_slug UNIQUE (slug),
    CONSTRAINT stations_room UNIQUE (room_id)
);
CREATE INDEX stations_by_owner ON stations (owner_id);

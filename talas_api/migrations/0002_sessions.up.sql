-- A session is one sign-in on one device. Its refresh token changes at each use; only the hash of
-- the current one is kept.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT sessions_user REFERENCES users (id) ON DELETE CASCADE,
    refresh_hash bytea NOT NULL
        CONSTRAINT sessions_refresh_hash_length CHECK (octet_length(refresh_hash) = 32),
    created_at timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text
        CONSTRAINT sessions_end_reason_known CHECK (end_reason IN ('logout', 'reuse', 'disabled')),
    user_agent text NOT NULL DEFAULT ''
        CONSTRAINT sessions_user_agent_length CHECK (char_length(user_agent) <= 255),
    address inet,
    CONSTRAINT sessions_refresh_hash UNIQUE (refresh_hash),
    CONSTRAINT sessions_times_in_order CHECK (created_at <= refreshed_at AND created_at < expires_at),
    CONSTRAINT sessions_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
-- Serves the list of a person's sessions, and the cascade when a person is deleted.
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);

-- Keys that sign access tokens. The private half is sealed with the master key, which never enters
-- the database. A key may be published before it signs (activates_at) and after (retires_at).
CREATE TABLE signing_keys (
    kid text PRIMARY KEY
        CONSTRAINT signing_keys_kid_length CHECK (char_length(kid) BETWEEN 1 AND 64),
    public bytea NOT NULL
        CONSTRAINT signing_keys_public_length CHECK (octet_length(public) = 32),
    sealed_private bytea NOT NULL
        CONSTRAINT signing_keys_sealed_length CHECK (octet_length(sealed_private) BETWEEN 1 AND 256),
    created_at timestamptz NOT NULL,
    activates_at timestamptz NOT NULL,
    retires_at timestamptz,
    CONSTRAINT signing_keys_times_in_order CHECK (retires_at IS NULL OR activates_at < retires_at)
);
CREATE INDEX signing_keys_by_activation ON signing_keys (activates_at);

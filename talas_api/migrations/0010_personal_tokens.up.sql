-- Tokens that people make for their programs. Only the hash of each is kept.
CREATE TABLE personal_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT personal_tokens_user REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL
        CONSTRAINT personal_tokens_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    token_hash bytea NOT NULL
        CONSTRAINT personal_tokens_hash_length CHECK (octet_length(token_hash) = 32),
    scopes text[] NOT NULL
        CONSTRAINT personal_tokens_scopes_some CHECK (cardinality(scopes) BETWEEN 1 AND 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT personal_tokens_hash UNIQUE (token_hash),
    CONSTRAINT personal_tokens_times_in_order CHECK (created_at < expires_at)
);
CREATE INDEX personal_tokens_by_user ON personal_tokens (user_id, created_at);

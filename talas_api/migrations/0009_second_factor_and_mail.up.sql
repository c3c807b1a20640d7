-- A second factor (RFC 6238). The secret is sealed with the master key; it counts from totp_at on,
-- before that it is only offered. A step of time is accepted once.
ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN totp_sealed bytea
        CONSTRAINT users_totp_sealed_length CHECK (octet_length(totp_sealed) BETWEEN 1 AND 256),
    ADD COLUMN totp_at timestamptz,
    ADD COLUMN totp_step bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT users_totp_has_secret CHECK (totp_at IS NULL OR totp_sealed IS NOT NULL);

-- The cost of a bcrypt hash, two digits: the dearest is asked for at every start.
CREATE INDEX users_hash_cost ON users (split_part(password_hash, '$', 3));

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL
        CONSTRAINT recovery_codes_user REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL
        CONSTRAINT recovery_codes_hash_length CHECK (octet_length(code_hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- What a link in a mail proves, once: that its reader has the address. Only the hash is kept.
CREATE TABLE mail_tokens (
    token_hash bytea PRIMARY KEY
        CONSTRAINT mail_tokens_hash_length CHECK (octet_length(token_hash) = 32),
    user_id uuid NOT NULL
        CONSTRAINT mail_tokens_user REFERENCES users (id) ON DELETE CASCADE,
    purpose text NOT NULL
        CONSTRAINT mail_tokens_purpose_known CHECK (purpose IN ('verify', 'reset')),
    -- The address it was sent to: worth nothing once the account has another.
    email text NOT NULL
        CONSTRAINT mail_tokens_email_length CHECK (char_length(email) <= 254),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT mail_tokens_times_in_order CHECK (created_at < expires_at)
);
CREATE INDEX mail_tokens_by_user ON mail_tokens (user_id, purpose);

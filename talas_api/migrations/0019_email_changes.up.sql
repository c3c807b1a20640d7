-- An e-mail address that somebody wants in place of theirs, until the link mailed there is opened.
-- One for each person: who asks again gets another link, and the last one is void.
CREATE TABLE email_changes (
    user_id uuid PRIMARY KEY
        CONSTRAINT email_changes_user REFERENCES users (id) ON DELETE CASCADE,
    token_hash bytea NOT NULL
        CONSTRAINT email_changes_hash_length CHECK (octet_length(token_hash) = 32),
    email text NOT NULL
        CONSTRAINT email_changes_email_length CHECK (char_length(email) <= 254),
    -- Of address and password as they stood: worth nothing once either is another.
    stood bytea NOT NULL
        CONSTRAINT email_changes_stood_length CHECK (octet_length(stood) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT email_changes_times_in_order CHECK (created_at < expires_at)
);
CREATE UNIQUE INDEX email_changes_token ON email_changes (token_hash);
CREATE INDEX email_changes_over ON email_changes (expires_at);

-- People. Names and addresses are unique whatever their case: the embedded server has neither ICU
-- nor citext, so the index is on lower().
CREATE TABLE users (
    id uuid PRIMARY KEY,
    username text NOT NULL
        CONSTRAINT users_username_shape CHECK (username ~ '^[A-Za-z0-9_.-]{3,32}$'),
    email text NOT NULL
        CONSTRAINT users_email_shape CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND char_length(email) <= 254),
    password_hash text NOT NULL
        CONSTRAINT users_password_hash_length CHECK (char_length(password_hash) BETWEEN 8 AND 255),
    role text NOT NULL DEFAULT 'user'
        CONSTRAINT users_role_known CHECK (role IN ('user', 'moderator', 'admin')),
    display_name text NOT NULL
        CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 64),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE UNIQUE INDEX users_username ON users (lower(username));
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- What happened to accounts and sign-ins, for those who must answer for it. Never a token, a
-- password or an e-mail address: people are named by id.
CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL
        CONSTRAINT audit_events_kind_shape CHECK (kind ~ '^[a-z]+(\.[a-z_]+)+$'),
    -- Whom it concerns, who did it: the same person, an admin, or nobody who is known.
    user_id uuid
        CONSTRAINT audit_events_user REFERENCES users (id) ON DELETE SET NULL,
    actor_id uuid
        CONSTRAINT audit_events_actor REFERENCES users (id) ON DELETE SET NULL,
    session_id uuid,
    address inet,
    detail jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT audit_events_detail_object CHECK (jsonb_typeof(detail) = 'object')
);
-- Ids rise with time, so the primary key is the order of the whole list, and these are that of one
-- person's events and of one kind's. The last serves the deletion of a person.
CREATE INDEX audit_events_by_user ON audit_events (user_id, id);
CREATE INDEX audit_events_by_kind ON audit_events (kind, id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id) WHERE actor_id IS NOT NULL;

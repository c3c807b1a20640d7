-- A refresh token works once, but its answer may be lost, or two tabs may show it at the same time:
-- the last one exchanged is remembered, and for some seconds gets the same answer again.
ALTER TABLE sessions
    ADD COLUMN previous_hash bytea
        CONSTRAINT sessions_previous_hash_length CHECK (octet_length(previous_hash) = 32),
    DROP CONSTRAINT sessions_end_reason_known,
    ADD CONSTRAINT sessions_end_reason_known
        CHECK (end_reason IN ('logout', 'reuse', 'disabled', 'ended', 'password'));

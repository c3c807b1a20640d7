UPDATE sessions SET end_reason = 'logout' WHERE end_reason IN ('ended', 'password');
ALTER TABLE sessions
    DROP COLUMN previous_hash,
    DROP CONSTRAINT sessions_end_reason_known,
    ADD CONSTRAINT sessions_end_reason_known CHECK (end_reason IN ('logout', 'reuse', 'disabled'));

-- One time per limited key (GCRA's theoretical arrival time), shared by all processes. Unlogged:
-- after a crash everybody starts afresh, which is what a limit may forget.
CREATE UNLOGGED TABLE limits (
    key bytea PRIMARY KEY
        CONSTRAINT limits_key_length CHECK (octet_length(key) = 16),
    until timestamptz NOT NULL
);
CREATE INDEX limits_by_until ON limits (until);

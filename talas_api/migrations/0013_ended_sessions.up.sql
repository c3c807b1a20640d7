-- Serves the list of sessions that ended lately, for services that have no database.
CREATE INDEX sessions_by_end ON sessions (ended_at, id) WHERE ended_at IS NOT NULL;

-- Serve the removal of what is over, oldest first (talas_api/retention). least() passes over nulls.
-- The audit log needs none: its ids rise with time.
CREATE INDEX sessions_by_over ON sessions (least(ended_at, expires_at));
CREATE INDEX personal_tokens_by_over ON personal_tokens (least(revoked_at, expires_at));
CREATE INDEX mail_tokens_by_over ON mail_tokens (least(used_at, expires_at));
CREATE INDEX recovery_codes_by_use ON recovery_codes (used_at) WHERE used_at IS NOT NULL;

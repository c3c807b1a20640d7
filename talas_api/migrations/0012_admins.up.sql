-- Whoever changes a role asks whether an admin is left.
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND disabled_at IS NULL;

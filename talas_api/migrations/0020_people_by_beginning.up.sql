-- Staff finds people by how a name or an address begins, in whatever case: a range of bytes, which the
-- unique indexes do not serve where the database sorts by a language.
CREATE INDEX users_username_begins ON users (lower(username) text_pattern_ops);
CREATE INDEX users_email_begins ON users (lower(email) text_pattern_ops);

DROP INDEX users_email_begins;
DROP INDEX users_username_begins;

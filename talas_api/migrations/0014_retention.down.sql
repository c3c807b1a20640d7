DROP INDEX recovery_codes_by_use;
DROP INDEX mail_tokens_by_over;
DROP INDEX personal_tokens_by_over;
DROP INDEX sessions_by_over;

DROP TABLE mail_tokens;
DROP TABLE recovery_codes;
DROP INDEX users_hash_cost;
ALTER TABLE users
    DROP COLUMN email_verified_at,
    DROP COLUMN totp_at,
    DROP COLUMN totp_step,
    DROP COLUMN totp_sealed;

COMMENT ON COLUMN users.email IS NULL;
COMMENT ON COLUMN users.password_hash IS NULL;
COMMENT ON COLUMN users.given_name IS NULL;
COMMENT ON COLUMN users.family_name IS NULL;
COMMENT ON COLUMN addresses.recipient IS NULL;
COMMENT ON COLUMN addresses.street IS NULL;
COMMENT ON COLUMN addresses.postal_code IS NULL;
COMMENT ON COLUMN addresses.city IS NULL;

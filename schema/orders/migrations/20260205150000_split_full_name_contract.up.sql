-- kedge: allow=data-loss reason="given_name and family_name hold what full_name held"
-- Week 5, second release of two: nothing writes full_name any more. The check is
-- proven first, under a lock that lets everybody work; SET NOT NULL then takes it
-- for proof and does not scan.
ALTER TABLE users VALIDATE CONSTRAINT users_given_name_present;
ALTER TABLE users ALTER COLUMN given_name SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_given_name_present;
DROP TRIGGER users_sync_names ON users;
DROP FUNCTION users_sync_names();
ALTER TABLE users DROP COLUMN full_name; -- kedge:ignore drop-column the release before this one no longer reads or writes it

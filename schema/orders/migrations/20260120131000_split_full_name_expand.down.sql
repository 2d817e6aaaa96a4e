-- Nothing is lost: the trigger kept full_name true all along.
ALTER TABLE users DROP CONSTRAINT users_given_name_present;
DROP TRIGGER users_sync_names ON users;
DROP FUNCTION users_sync_names();
ALTER TABLE users
    DROP COLUMN given_name,
    DROP COLUMN family_name;

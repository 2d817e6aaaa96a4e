-- Back to both spellings. A column that is added stands last; the two names are
-- made anew after full_name, so that the table is the one it was, column by column.
ALTER TABLE users
    ADD COLUMN full_name text,
    ADD COLUMN given_name_again text,
    ADD COLUMN family_name_again text;
UPDATE users
   SET full_name = concat_ws(' ', given_name, family_name),
       given_name_again = given_name,
       family_name_again = family_name
 WHERE full_name IS NULL;
ALTER TABLE users
    DROP COLUMN given_name,
    DROP COLUMN family_name;
ALTER TABLE users RENAME COLUMN given_name_again TO given_name;
ALTER TABLE users RENAME COLUMN family_name_again TO family_name;
ALTER TABLE users ALTER COLUMN full_name SET NOT NULL;

CREATE FUNCTION users_sync_names() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.given_name IS NULL
       OR TG_OP = 'UPDATE' AND NEW.full_name IS DISTINCT FROM OLD.full_name THEN
        NEW.given_name := split_part(NEW.full_name, ' ', 1);
        NEW.family_name := nullif(substr(NEW.full_name, length(NEW.given_name) + 2), '');
    ELSE
        NEW.full_name := concat_ws(' ', NEW.given_name, NEW.family_name);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER users_sync_names
    BEFORE INSERT OR UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION users_sync_names();

ALTER TABLE users
    ADD CONSTRAINT users_given_name_present CHECK (given_name IS NOT NULL) NOT VALID;

-- Week 3, first release of two: full_name becomes given_name and family_name.
-- Old and new code run side by side until the second release, so a trigger
-- keeps both spellings true, whichever of them is written. The rows that exist
-- are filled by the next migration, in a transaction of its own.
ALTER TABLE users
    ADD COLUMN given_name text,
    ADD COLUMN family_name text;

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

-- The proof that the second release needs for SET NOT NULL without a scan under
-- a strong lock. New rows obey from now on.
ALTER TABLE users
    ADD CONSTRAINT users_given_name_present CHECK (given_name IS NOT NULL) NOT VALID;

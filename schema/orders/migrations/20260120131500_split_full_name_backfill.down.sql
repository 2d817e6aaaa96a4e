-- The columns go with the migration before this one; until then the values that
-- were filled in stay, since nothing tells them from those that users wrote.
SELECT count(*) AS names_kept FROM users;

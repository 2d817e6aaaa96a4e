-- Week 3: the trigger of the migration before does the splitting.
UPDATE users SET full_name = full_name WHERE given_name IS NULL;

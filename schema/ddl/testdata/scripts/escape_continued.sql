-- The second part of a string is read like the first. psql reads line by line and takes it for a plain string.
SELECT E'a'
'b\'; ';

-- Dollar quotes: tags, nesting, and dollars that start none.
DO $$ BEGIN PERFORM 1; END $$;
CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS $body$ SELECT $1 || $$;$$ || '$body' $body$;
SELECT $tag$ a; $tag b; $Tag$ c; $tag$, a$b$c, $1, $é$;$é$ WHERE x$y = 1;
SELECT $_a1$;$_a1$;
SELECT 1 AS a$$;
SELECT 2 AS "$$", '$$', b$$;
SELECT $$it's$$ || $q$ -- no comment ; /* none either $q$;

-- a comment; with a semicolon
/* nested /* ; */ still; */ SELECT 1 /* trailing; */ ; -- after;
SELECT 2 --; not here
;
SELECT 3-/* minus */-1, 4 - -1 --1
;
/**/SELECT 5/***/;
SELECT 6 /*/ ; /*/ */*/ ;
SELECT '--', '/*', "a--b", $$/*$$ FROM "x/*";
select 7 =/* ; */- 1;
-- the end; has no statement

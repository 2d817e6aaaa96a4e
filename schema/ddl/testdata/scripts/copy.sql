CREATE TABLE t (a int, b text);
COPY t (a, b) FROM stdin; -- the rows follow
1	a;b
2	it's
3	$$ /* --
\.x	\N
\.

SELECT 1;
COPY t FROM STDIN WITH (FORMAT csv, DELIMITER ';');
4;"x
\.
copy pg_catalog.t ("from", "stdin") from program 'cat stdin';
COPY (SELECT a FROM t) TO STDOUT;
COPY t FROM stdin;
\.
SELECT 2;
COPY t FROM stdin;
5	no end

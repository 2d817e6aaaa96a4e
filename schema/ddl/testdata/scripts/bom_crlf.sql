-- BOM and CRLF
SELECT 1;

COPY t FROM stdin;
1;
\.
SELECT $$a
;$$;

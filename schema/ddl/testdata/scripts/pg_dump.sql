--
-- PostgreSQL database dump
--

\restrict aBcDeF0123

-- Dumped from database version 17.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.t (
    id integer NOT NULL,
    note text DEFAULT 'x;y'::text
);

COPY public.t (id, note) FROM stdin;
1	\\restrict
2	\N
\.


ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

\unrestrict aBcDeF0123


CREATE TABLE public.data_retention (
    subject text NOT NULL,
    keep_for interval NOT NULL,
    reason text NOT NULL,
    CONSTRAINT data_retention_pkey PRIMARY KEY (subject),
    CONSTRAINT data_retention_keep_for_positive CHECK ((keep_for > '00:00:00'::interval))
);
COMMENT ON TABLE public.data_retention IS 'How long personal data is kept after its purpose ended.';

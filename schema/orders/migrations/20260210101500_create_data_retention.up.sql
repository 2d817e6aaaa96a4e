-- Week 6: how long what is kept. The schema is the same everywhere; the time is
-- the environment's own.
CREATE TABLE data_retention (
    subject  text PRIMARY KEY,
    keep_for interval NOT NULL,
    reason   text NOT NULL,
    CONSTRAINT data_retention_keep_for_positive CHECK (keep_for > interval '0')
);

COMMENT ON TABLE data_retention IS 'How long personal data is kept after its purpose ended.';

INSERT INTO data_retention (subject, keep_for, reason)
VALUES ('users', ${retention}, 'an account that was closed can be asked for again');

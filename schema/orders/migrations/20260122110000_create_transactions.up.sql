-- Week 3: the ledger. Money that moved is never changed and never deleted: a
-- mistake is put right by another row. A month a partition, so that what may go
-- after its time goes as a whole.
CREATE TYPE transaction_kind AS ENUM ('charge', 'refund', 'chargeback', 'correction');

CREATE TABLE transactions (
    transaction_id uuid NOT NULL DEFAULT gen_random_uuid(),
    occurred_at    timestamptz NOT NULL DEFAULT now(),
    order_id       bigint NOT NULL,
    kind           transaction_kind NOT NULL,
    amount         numeric(14, 2) NOT NULL,
    currency       text NOT NULL DEFAULT 'EUR',
    reference      text,
    PRIMARY KEY (transaction_id, occurred_at),
    CONSTRAINT transactions_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT transactions_amount_not_zero CHECK (amount <> 0),
    CONSTRAINT transactions_currency_shape CHECK (currency ~ '^[A-Z]{3}$')
) PARTITION BY RANGE (occurred_at);

CREATE INDEX transactions_order_id_idx ON transactions (order_id, occurred_at);

CREATE FUNCTION transactions_refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'transactions is append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Put a mistake right with another row, of kind ''correction''.';
END
$$;

-- Row triggers are inherited by every partition, now and later.
CREATE TRIGGER transactions_append_only
    BEFORE UPDATE OR DELETE ON transactions
    FOR EACH ROW EXECUTE FUNCTION transactions_refuse_change();
CREATE TRIGGER transactions_no_truncate
    BEFORE TRUNCATE ON transactions
    FOR EACH STATEMENT EXECUTE FUNCTION transactions_refuse_change();

-- Bounds carry their offset, so that they do not depend on the session's time zone.
CREATE TABLE transactions_2026_01 PARTITION OF transactions
    FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00');
CREATE TABLE transactions_2026_02 PARTITION OF transactions
    FOR VALUES FROM ('2026-02-01 00:00:00+00') TO ('2026-03-01 00:00:00+00');
CREATE TABLE transactions_2026_03 PARTITION OF transactions
    FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00');
CREATE TABLE transactions_2026_04 PARTITION OF transactions
    FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-05-01 00:00:00+00');
CREATE TABLE transactions_2026_05 PARTITION OF transactions
    FOR VALUES FROM ('2026-05-01 00:00:00+00') TO ('2026-06-01 00:00:00+00');
CREATE TABLE transactions_2026_06 PARTITION OF transactions
    FOR VALUES FROM ('2026-06-01 00:00:00+00') TO ('2026-07-01 00:00:00+00');
-- What no month takes is not lost. create_transactions_partition() moves it.
CREATE TABLE transactions_default PARTITION OF transactions DEFAULT;

COMMENT ON TABLE transactions IS 'The ledger: append-only, a partition a month.';
COMMENT ON COLUMN transactions.amount IS 'Positive for money received, negative for money given back.';

CREATE FUNCTION public.create_transactions_partition(day date) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    month_start timestamptz := date_trunc('month', day::timestamp) AT TIME ZONE 'UTC';
    month_end   timestamptz := (date_trunc('month', day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    month_name  text := 'transactions_' || to_char(day, 'YYYY_MM');
BEGIN
    IF to_regclass(quote_ident(month_name)) IS NULL THEN
        -- The default partition must hold no row of the month by the time it is
        -- attached. Its rows are copied and then removed with the trigger asleep
        -- in this transaction alone: they move, they do not change.
        EXECUTE format('CREATE TABLE %I (LIKE transactions INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', month_name);
        EXECUTE format('INSERT INTO %I SELECT * FROM transactions_default WHERE occurred_at >= $1 AND occurred_at < $2', month_name)
            USING month_start, month_end;
        ALTER TABLE transactions_default DISABLE TRIGGER transactions_append_only;
        DELETE FROM transactions_default WHERE occurred_at >= month_start AND occurred_at < month_end;
        ALTER TABLE transactions_default ENABLE TRIGGER transactions_append_only;
        EXECUTE format('ALTER TABLE transactions ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       month_name, month_start, month_end);
    END IF;
    RETURN month_name;
END
$$;
COMMENT ON FUNCTION public.create_transactions_partition(date) IS 'Makes the ledger''s partition for a month, moving what waits in the default partition.';

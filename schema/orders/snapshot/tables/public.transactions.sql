CREATE TABLE public.transactions (
    transaction_id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    order_id bigint NOT NULL,
    kind public.transaction_kind NOT NULL,
    amount numeric(14,2) NOT NULL,
    currency text DEFAULT 'EUR'::text NOT NULL,
    reference text,
    CONSTRAINT transactions_pkey PRIMARY KEY (transaction_id, occurred_at),
    CONSTRAINT transactions_amount_not_zero CHECK ((amount <> (0)::numeric)),
    CONSTRAINT transactions_currency_shape CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT transactions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (order_id)
)
PARTITION BY RANGE (occurred_at);
GRANT INSERT, SELECT ON TABLE public.transactions TO orders_app;
GRANT SELECT ON TABLE public.transactions TO orders_reporting;
COMMENT ON TABLE public.transactions IS 'The ledger: append-only, a partition a month.';
COMMENT ON COLUMN public.transactions.amount IS 'Positive for money received, negative for money given back.';
CREATE INDEX transactions_order_id_idx ON ONLY public.transactions (order_id, occurred_at);
CREATE TRIGGER transactions_append_only BEFORE DELETE OR UPDATE ON public.transactions FOR EACH ROW EXECUTE FUNCTION public.transactions_refuse_change();
CREATE TRIGGER transactions_no_truncate BEFORE TRUNCATE ON public.transactions FOR EACH STATEMENT EXECUTE FUNCTION public.transactions_refuse_change();

CREATE TABLE public.transactions_2026_03 (
    transaction_id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    order_id bigint NOT NULL,
    kind public.transaction_kind NOT NULL,
    amount numeric(14,2) NOT NULL,
    currency text DEFAULT 'EUR'::text NOT NULL,
    reference text,
    CONSTRAINT transactions_2026_03_pkey PRIMARY KEY (transaction_id, occurred_at),
    CONSTRAINT transactions_amount_not_zero CHECK ((amount <> (0)::numeric)),
    CONSTRAINT transactions_currency_shape CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT transactions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (order_id)
);
CREATE INDEX transactions_2026_03_order_id_occurred_at_idx ON public.transactions_2026_03 (order_id, occurred_at);
ALTER TABLE ONLY public.transactions ATTACH PARTITION public.transactions_2026_03 FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00');
ALTER INDEX public.transactions_order_id_idx ATTACH PARTITION public.transactions_2026_03_order_id_occurred_at_idx;
ALTER INDEX public.transactions_pkey ATTACH PARTITION public.transactions_2026_03_pkey;

CREATE TABLE public.order_items (
    order_id bigint NOT NULL,
    line_number integer NOT NULL,
    product_id bigint NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(12,2) NOT NULL,
    line_amount numeric(14,2) GENERATED ALWAYS AS (((quantity)::numeric * unit_price)) STORED,
    CONSTRAINT order_items_pkey PRIMARY KEY (order_id, line_number),
    CONSTRAINT order_items_line_number_positive CHECK ((line_number > 0)),
    CONSTRAINT order_items_quantity_positive CHECK ((quantity > 0)),
    CONSTRAINT order_items_unit_price_not_negative CHECK ((unit_price >= (0)::numeric)),
    CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (order_id) ON DELETE CASCADE,
    CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products (product_id)
);
GRANT INSERT, SELECT, UPDATE, DELETE ON TABLE public.order_items TO orders_app;
GRANT SELECT ON TABLE public.order_items TO orders_reporting;
COMMENT ON TABLE public.order_items IS 'The lines of an order.';
COMMENT ON COLUMN public.order_items.unit_price IS 'As it was when the order was placed, in the order''s currency.';
CREATE INDEX idx_order_items_product ON public.order_items (product_id, order_id) INCLUDE (quantity);

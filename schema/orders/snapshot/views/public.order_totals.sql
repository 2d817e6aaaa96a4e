CREATE VIEW public.order_totals AS
SELECT o.order_id,
    o.customer_id,
    o.order_status,
    o.placed_at,
    o.currency,
    COALESCE(sum(i.line_amount), (0)::numeric) AS items_amount,
    o.shipping_amount,
    (COALESCE(sum(i.line_amount), (0)::numeric) + o.shipping_amount) AS total_amount
   FROM (public.orders o
     LEFT JOIN public.order_items i ON ((i.order_id = o.order_id)))
  GROUP BY o.order_id;
GRANT SELECT ON TABLE public.order_totals TO orders_app;
GRANT SELECT ON TABLE public.order_totals TO orders_reporting;
COMMENT ON VIEW public.order_totals IS 'What each order comes to.';

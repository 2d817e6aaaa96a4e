-- What an order comes to. Run again whenever this file changes.
CREATE OR REPLACE VIEW order_totals AS
SELECT o.order_id,
       o.customer_id,
       o.order_status,
       o.placed_at,
       o.currency,
       coalesce(sum(i.line_amount), 0) AS items_amount,
       o.shipping_amount,
       coalesce(sum(i.line_amount), 0) + o.shipping_amount AS total_amount
  FROM orders o
  LEFT JOIN order_items i ON i.order_id = o.order_id
 GROUP BY o.order_id;

COMMENT ON VIEW order_totals IS 'What each order comes to.';

GRANT SELECT ON order_totals TO orders_app, orders_reporting;

-- Week 4: the load test's slowest query looks for a customer's orders by status.
-- The new index begins with customer_id, which makes the old one redundant.
CREATE INDEX CONCURRENTLY idx_order_status ON orders (customer_id, order_status);
DROP INDEX CONCURRENTLY orders_customer_id_idx;

CREATE INDEX CONCURRENTLY order_items_product_id_idx ON order_items (product_id);
DROP INDEX CONCURRENTLY idx_order_items_product;

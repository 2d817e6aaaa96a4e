-- Week 4: "which orders hold this product", answered from the index alone.
CREATE INDEX CONCURRENTLY idx_order_items_product ON order_items (product_id, order_id) INCLUDE (quantity);
DROP INDEX CONCURRENTLY order_items_product_id_idx;

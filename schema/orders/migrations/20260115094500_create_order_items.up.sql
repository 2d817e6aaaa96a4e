-- Week 2: the lines of an order, with the price as it was when it was placed.
CREATE TABLE order_items (
    order_id    bigint NOT NULL,
    line_number integer NOT NULL,
    product_id  bigint NOT NULL,
    quantity    integer NOT NULL,
    unit_price  numeric(12, 2) NOT NULL,
    line_amount numeric(14, 2) GENERATED ALWAYS AS (quantity * unit_price) STORED,
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id) ON DELETE CASCADE,
    CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (product_id),
    CONSTRAINT order_items_line_number_positive CHECK (line_number > 0),
    CONSTRAINT order_items_quantity_positive CHECK (quantity > 0),
    CONSTRAINT order_items_unit_price_not_negative CHECK (unit_price >= 0)
);

CREATE INDEX order_items_product_id_idx ON order_items (product_id);

COMMENT ON TABLE order_items IS 'The lines of an order.';
COMMENT ON COLUMN order_items.unit_price IS 'As it was when the order was placed, in the order''s currency.';

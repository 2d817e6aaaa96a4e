-- kedge: environments=dev
-- A shop to play with. Everybody's password is "correct horse battery staple".
INSERT INTO users (email, password_hash, given_name, family_name)
VALUES ('ada@example.com', '$2b$12$JU5qw/dgTI3hC8kmFIk9nOR80VDrp.omsvv3WcjrO4N7lr18u9.2S', 'Ada', 'Lovelace'),
       ('grace@example.com', '$2b$12$JU5qw/dgTI3hC8kmFIk9nOR80VDrp.omsvv3WcjrO4N7lr18u9.2S', 'Grace', 'Hopper'),
       ('plato@example.com', '$2b$12$JU5qw/dgTI3hC8kmFIk9nOR80VDrp.omsvv3WcjrO4N7lr18u9.2S', 'Plato', NULL);

INSERT INTO addresses (customer_id, recipient, street, postal_code, city, country_code, is_default)
SELECT u.user_id, v.recipient, v.street, v.postal_code, v.city, v.country_code, true
  FROM (VALUES ('ada@example.com', 'Ada Lovelace', '12 St James''s Square', 'SW1Y 4JH', 'London', 'GB'),
               ('grace@example.com', 'Grace Hopper', '1 Navy Way', '22202', 'Arlington', 'US'),
               ('plato@example.com', 'Plato', 'Akadimias 1', '106 71', 'Athens', 'GR'))
       AS v (email, recipient, street, postal_code, city, country_code)
  JOIN users u USING (email);

INSERT INTO products (sku, unit_price, document)
VALUES ('ANCHOR-4', 39.90, '{"title": "Folding anchor, 4 kg", "attributes": {"weight_kg": 4, "material": "galvanised steel"}}'),
       ('KEDGE-12', 189.00, '{"title": "Kedge anchor, 12 kg", "attributes": {"weight_kg": 12, "material": "stainless steel"}}'),
       ('ROPE-30', 54.50, '{"title": "Anchor rope, 30 m", "attributes": {"length_m": 30, "diameter_mm": 12}}'),
       ('SHACKLE-8', 6.20, '{"title": "Bow shackle, 8 mm", "attributes": {"diameter_mm": 8}}');

WITH placed AS (
    INSERT INTO orders (customer_id, shipping_address_id, order_status, shipping_amount, placed_at)
    SELECT u.user_id, a.address_id, v.order_status::order_status, v.shipping_amount, v.placed_at::timestamptz
      FROM (VALUES ('ada@example.com', 'delivered', 4.90, '2026-01-19 09:30:00+00'),
                   ('ada@example.com', 'paid', 0.00, '2026-02-10 18:05:00+00'),
                   ('grace@example.com', 'pending', 12.00, '2026-02-11 07:45:00+00'))
           AS v (email, order_status, shipping_amount, placed_at)
      JOIN users u USING (email)
      JOIN addresses a ON a.customer_id = u.user_id
    RETURNING order_id, order_status
)
INSERT INTO order_items (order_id, line_number, product_id, quantity, unit_price)
SELECT placed.order_id, v.line_number, p.product_id, v.quantity, p.unit_price
  FROM (VALUES ('delivered', 1, 'ANCHOR-4', 1),
               ('delivered', 2, 'SHACKLE-8', 4),
               ('paid', 1, 'KEDGE-12', 1),
               ('paid', 2, 'ROPE-30', 2),
               ('pending', 1, 'ROPE-30', 1))
       AS v (order_status, line_number, sku, quantity)
  JOIN placed ON placed.order_status::text = v.order_status
  JOIN products p USING (sku);

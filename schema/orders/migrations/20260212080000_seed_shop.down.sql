DELETE FROM orders
 USING users
 WHERE orders.customer_id = users.user_id
   AND users.email IN ('ada@example.com', 'grace@example.com', 'plato@example.com');
DELETE FROM users WHERE email IN ('ada@example.com', 'grace@example.com', 'plato@example.com');
DELETE FROM products WHERE sku IN ('ANCHOR-4', 'KEDGE-12', 'ROPE-30', 'SHACKLE-8');

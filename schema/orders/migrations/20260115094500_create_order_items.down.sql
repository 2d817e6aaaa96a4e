-- The repeatable view reads this table; the next up makes it again.
DROP VIEW IF EXISTS order_totals;
DROP TABLE order_items;

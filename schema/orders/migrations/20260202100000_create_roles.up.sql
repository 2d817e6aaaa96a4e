-- Week 5: who may do what. Roles belong to the server, not to this database:
-- they are made where they are missing (a laptop, a shadow), and a server where
-- somebody else makes them needs no right to create roles here. Two databases of
-- one server may come here at the same moment: the second finds the role made.
DO $$
DECLARE
    wanted name;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['orders_app', 'orders_reporting']::name[] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON users, addresses, orders, order_items TO orders_app;
GRANT SELECT ON products TO orders_app;
GRANT SELECT, INSERT ON transactions TO orders_app;

-- Reporting sees what was ordered and paid, and nobody's name.
GRANT SELECT ON products, orders, order_items, transactions TO orders_reporting;

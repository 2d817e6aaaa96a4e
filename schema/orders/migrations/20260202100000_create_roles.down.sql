-- Every right in this database is taken back. The roles stay: they belong to the
-- server, and another database of it may use them. Without rights and without
-- LOGIN they do nothing; DROP ROLE orders_app, orders_reporting removes them from
-- a server where nobody does.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM orders_app, orders_reporting;

-- Week 5: a customer sees and changes their own addresses, even when the
-- application forgets a WHERE. It says who asks by SET LOCAL app.user_id; where
-- it says nothing, there are no rows.
ALTER TABLE addresses ENABLE ROW LEVEL SECURITY;

CREATE POLICY addresses_of_customer ON addresses
    FOR ALL TO orders_app
    USING (customer_id = nullif(current_setting('app.user_id', true), '')::bigint)
    WITH CHECK (customer_id = nullif(current_setting('app.user_id', true), '')::bigint);

DROP POLICY addresses_of_customer ON addresses;
ALTER TABLE addresses DISABLE ROW LEVEL SECURITY;

-- kedge: allow=data-loss reason="reverting the ledger's creation takes the ledger away"
-- The repeatable function serves this table only; the next up makes it again.
DROP FUNCTION IF EXISTS create_transactions_partition(date);
DROP TABLE transactions;
DROP FUNCTION transactions_refuse_change();
DROP TYPE transaction_kind;

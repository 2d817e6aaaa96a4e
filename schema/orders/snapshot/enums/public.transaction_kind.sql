CREATE TYPE public.transaction_kind AS ENUM ('charge', 'refund', 'chargeback', 'correction');

CREATE FUNCTION public.transactions_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'transactions is append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Put a mistake right with another row, of kind ''correction''.';
END
$$;

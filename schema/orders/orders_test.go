package orders

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema/ddl"
)

// names are the migrations without their endings, in order, and the repeatable files.
func names(t testing.TB) (versioned, repeatable []string) {
	t.Helper()
	entries, err := fs.ReadDir(Migrations(), ".")
	require.NoError(t, err)
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), ".up.sql"); ok {
			versioned = append(versioned, stem)
		} else if strings.HasPrefix(e.Name(), "R__") {
			repeatable = append(repeatable, e.Name())
		}
	}
	return versioned, repeatable
}

// run sends one file's statements, in a transaction unless one of them cannot be.
func run(ctx context.Context, conn *pgx.Conn, file string) error {
	text, err := fs.ReadFile(Migrations(), file)
	if err != nil {
		return err
	}
	script := string(text)
	for name, value := range Placeholders() {
		script = strings.ReplaceAll(script, "${"+name+"}", ddl.QuoteLiteral(value))
	}
	statements, err := ddl.Split(script)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(statements, func(s ddl.Statement) bool { return s.Class.Transaction == ddl.Outside }) {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			_, err := tx.Conn().PgConn().Exec(ctx, script).ReadAll()
			return err
		})
	}
	for _, s := range statements {
		if _, err := conn.PgConn().Exec(ctx, s.SQL).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

func apply(t testing.TB, conn *pgx.Conn, files ...string) {
	t.Helper()
	for _, file := range files {
		require.NoError(t, run(t.Context(), conn, file), file)
	}
}

// upTo applies the versioned migrations before the named one; all of them and
// the repeatable ones when no name is given.
func upTo(t testing.TB, conn *pgx.Conn, stop string) {
	t.Helper()
	versioned, repeatable := names(t)
	for _, name := range versioned {
		if stop != "" && strings.HasSuffix(name, stop) {
			return
		}
		apply(t, conn, name+".up.sql")
	}
	require.Empty(t, stop, "no such migration")
	apply(t, conn, repeatable...)
}

// whole is a database with everything applied.
func whole(t *testing.T) *pgx.Conn {
	return pgtest.New(t, pgtest.Template("orders", func(ctx context.Context, conn *pgx.Conn) error {
		versioned, repeatable := names(t)
		for _, name := range versioned {
			if err := run(ctx, conn, name+".up.sql"); err != nil {
				return err
			}
		}
		for _, file := range repeatable {
			if err := run(ctx, conn, file); err != nil {
				return err
			}
		}
		return nil
	})).Connect(t.Context())
}

func TestEveryMigrationHasBothDirections(t *testing.T) {
	versioned, repeatable := names(t)
	require.GreaterOrEqual(t, len(versioned), 12)
	require.Len(t, repeatable, 2)
	for _, name := range versioned {
		down, err := fs.ReadFile(Migrations(), name+".down.sql")
		require.NoError(t, err)
		statements, err := ddl.Split(string(down))
		require.NoError(t, err, name)
		require.NotEmpty(t, statements, name)
	}
}

func TestPlaceholdersAreThoseOfTheDevelopmentEnvironment(t *testing.T) {
	dev, err := os.ReadFile("../../environments/dev.yaml")
	require.NoError(t, err)
	for name, value := range Placeholders() {
		require.Contains(t, string(dev), name+": "+value)
	}
}

// pg_dump is the judge: what a down script leaves is what was there before.
func TestEveryDownRevertsItsUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	dump := func() string { return db.PgDump("--schema-only") }
	versioned, repeatable := names(t)

	empty := dump()
	for _, name := range versioned {
		before := dump()
		apply(t, conn, name+".up.sql")
		after := dump()
		apply(t, conn, name+".down.sql")
		require.Equal(t, before, dump(), "%s.down.sql", name)
		apply(t, conn, name+".up.sql")
		require.Equal(t, after, dump(), "%s.up.sql, a second time", name)
	}
	apply(t, conn, repeatable...)
	full := dump()
	apply(t, conn, repeatable...)
	require.Equal(t, full, dump(), "repeatable migrations, a second time")

	for _, name := range slices.Backward(versioned) {
		apply(t, conn, name+".down.sql")
	}
	require.Equal(t, empty, dump(), "everything reverted")
	upTo(t, conn, "")
	require.Equal(t, full, dump(), "everything applied again")
}

func TestNamesLiveThroughBothReleases(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := pgtest.New(t).Connect(ctx)
	people := func(query string) []string {
		rows, err := conn.Query(ctx, query)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return list
	}
	const full, parts = "SELECT full_name FROM users ORDER BY email",
		"SELECT concat_ws('|', given_name, family_name) FROM users ORDER BY email"
	add := func(email, columns, values string) {
		_, err := conn.Exec(ctx, "INSERT INTO users (email, password_hash, "+columns+") VALUES ('"+email+"', 'x', "+values+")")
		require.NoError(t, err)
	}

	upTo(t, conn, "split_full_name_expand")
	add("a@x", "full_name", "'Ada King Lovelace'")
	add("b@x", "full_name", "'Plato'")
	apply(t, conn, "20260120131000_split_full_name_expand.up.sql", "20260120131500_split_full_name_backfill.up.sql")
	require.Equal(t, []string{"Ada|King Lovelace", "Plato"}, people(parts))

	// Old and new code write side by side.
	add("c@x", "full_name", "'Grace Hopper'")
	add("d@x", "given_name, family_name", "'Edsger', 'Dijkstra'")
	_, err := conn.Exec(ctx, "UPDATE users SET family_name = 'Lovelace' WHERE email = 'a@x'")
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "UPDATE users SET full_name = 'Aristocles' WHERE email = 'b@x'")
	require.NoError(t, err)
	require.Equal(t, []string{"Ada Lovelace", "Aristocles", "Grace Hopper", "Edsger Dijkstra"}, people(full))
	require.Equal(t, []string{"Ada|Lovelace", "Aristocles", "Grace|Hopper", "Edsger|Dijkstra"}, people(parts))

	apply(t, conn, "20260205150000_split_full_name_contract.up.sql")
	add("e@x", "given_name", "'Hypatia'")
	apply(t, conn, "20260205150000_split_full_name_contract.down.sql")
	require.Equal(t, []string{"Ada Lovelace", "Aristocles", "Grace Hopper", "Edsger Dijkstra", "Hypatia"}, people(full))
	apply(t, conn, "20260120131500_split_full_name_backfill.down.sql", "20260120131000_split_full_name_expand.down.sql")
	require.Equal(t, []string{"Ada Lovelace", "Aristocles", "Grace Hopper", "Edsger Dijkstra", "Hypatia"}, people(full))
}

func TestLedgerIsAppendOnly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := whole(t)
	_, err := conn.Exec(ctx, `INSERT INTO transactions (order_id, kind, amount, occurred_at)
		SELECT order_id, 'charge', 10, moment FROM orders, (VALUES (timestamptz '2026-03-31 23:59:59+00'), ('2027-05-01 00:00:00+00')) AS m (moment)`)
	require.NoError(t, err)
	count := func(table string) (n int) {
		require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n))
		return n
	}
	require.Equal(t, 3, count("transactions_2026_03"))
	require.Equal(t, 3, count("transactions_default"))

	var made, again string
	require.NoError(t, conn.QueryRow(ctx, "SELECT create_transactions_partition('2027-05-17')").Scan(&made))
	require.NoError(t, conn.QueryRow(ctx, "SELECT create_transactions_partition('2027-05-31')").Scan(&again))
	require.Equal(t, []string{"transactions_2027_05", "transactions_2027_05"}, []string{made, again})
	require.Equal(t, 3, count(made), "rows moved out of the default partition")
	require.Zero(t, count("transactions_default"))

	for _, sql := range []string{
		"UPDATE transactions SET amount = 1",
		"DELETE FROM transactions",
		"TRUNCATE transactions",
		"UPDATE transactions_2027_05 SET amount = 1",
		"DELETE FROM transactions_2026_03",
	} {
		_, err := conn.Exec(ctx, sql)
		var refusal *pgconn.PgError
		require.True(t, errors.As(err, &refusal), sql)
		require.Equal(t, "23001", refusal.Code, sql)
	}
	require.Equal(t, 6, count("transactions"))
}

func TestCustomersSeeTheirOwnAddresses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := whole(t)
	tx, err := conn.Begin(ctx)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(ctx)) }()
	visible := func() (n int) {
		require.NoError(t, tx.QueryRow(ctx, "SELECT count(*) FROM addresses").Scan(&n))
		return n
	}
	require.Equal(t, 3, visible())
	var ada, grace string
	require.NoError(t, tx.QueryRow(ctx, `SELECT max(user_id::text) FILTER (WHERE email = 'ada@example.com'),
		max(user_id::text) FILTER (WHERE email = 'grace@example.com') FROM users`).Scan(&ada, &grace))
	_, err = tx.Exec(ctx, "SET LOCAL ROLE orders_app")
	require.NoError(t, err)
	require.Zero(t, visible(), "nobody asks")
	_, err = tx.Exec(ctx, "SELECT set_config('app.user_id', $1, true)", ada)
	require.NoError(t, err)
	require.Equal(t, 1, visible())
	_, err = tx.Exec(ctx, `INSERT INTO addresses (customer_id, recipient, street, postal_code, city, country_code)
		VALUES ($1::text::bigint, 'x', 'x', 'x', 'x', 'GR')`, grace)
	var refusal *pgconn.PgError
	require.True(t, errors.As(err, &refusal), "%v", err)
	require.Equal(t, "42501", refusal.Code)
}

func TestDesignRules(t *testing.T) {
	t.Parallel()
	conn := whole(t)
	for rule, query := range map[string]string{
		"every foreign key has an index that begins with its columns": `
			SELECT conrelid::regclass || '.' || conname FROM pg_constraint
			 WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
			       SELECT FROM pg_index WHERE indrelid = conrelid AND indpred IS NULL
			          AND (indkey::int2[])[0:array_length(conkey, 1) - 1] @> conkey)`,
		"every moment has a time zone": `
			SELECT table_name || '.' || column_name FROM information_schema.columns
			 WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'`,
		"every table has a primary key": `
			SELECT oid::regclass::text FROM pg_class
			 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
			   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')`,
		"every index is valid": `SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid`,
		"a column that looks personal is marked": `
			SELECT table_name || '.' || column_name FROM information_schema.columns
			 WHERE table_schema = 'public' AND column_name ~ 'email|name$|password|street|postal|city$|recipient'
			   AND coalesce(col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position), '') !~ '\[personal: (contact|credential|identity|location)\]'`,
	} {
		rows, err := conn.Query(t.Context(), query)
		require.NoError(t, err, rule)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, rule)
		require.Empty(t, found, rule)
	}
}

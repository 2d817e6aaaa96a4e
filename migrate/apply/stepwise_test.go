package apply

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
)

func validIndex(t *testing.T, c *pgx.Conn, name string) bool {
	t.Helper()
	return scalar[bool](t, c, "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid)", name)
}

const mixed = `CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 100);
CREATE INDEX CONCURRENTLY t_id ON t (id);
BEGIN;
CREATE TABLE u (id int);
CREATE TABLE v (id int);
COMMIT;
VACUUM t;
`

// Promise 2: what cannot run in a transaction is found by parsing, and runs statement by statement.
func TestPromise2StatementsOutsideOfATransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	report, err := up(t, db, []*migrate.Migration{sql("1", "mixed", mixed, "DROP TABLE t, u, v;"), sql("2", "after", "CREATE TABLE w ();", "")}, Options{})
	require.NoError(t, err)
	require.Equal(t, StepApplied, report.Steps[0].State)
	require.True(t, validIndex(t, c, "t_id"))
	require.Equal(t, []string{
		"started 1", "statement_done 1 1", "statement_done 1 2", "statement_begun 1 3", "statement_done 1 3", "statement_done 1 7",
		"statement_begun 1 8", "statement_done 1 8", "applied 1", "applied 2",
	}, events(t, c))
}

// Promise 2: a second run goes on where the first stopped.
func TestPromise2SecondRunGoesOn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	text := "CREATE TABLE t (id int);\nCREATE TABLE marks AS SELECT 1 AS n;\nSET search_path = public, pg_temp;\nCREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);\nINSERT INTO marks SELECT count(*) FROM t;\n"
	set := []*migrate.Migration{sql("1", "first", "CREATE TABLE seed (id int);\nINSERT INTO seed VALUES (1), (1);", ""), sql("2", "mixed", text, "")}
	set[1].Up = script("2.sql", "CREATE TABLE marks AS SELECT 1 AS n;\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS seed_id ON seed (id);\nINSERT INTO marks SELECT 2;\n")
	report, err := up(t, db, set, Options{})
	var located *migrate.StatementError
	require.True(t, errors.As(err, &located))
	require.Equal(t, "23505", located.SQLSTATE)
	require.Equal(t, 2, located.Line)
	require.Equal(t, StepInterrupted, report.Steps[1].State)
	require.True(t, scalar[bool](t, c, "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'seed_id'::regclass"))

	// The invalid index is not mistaken for a built one because of IF NOT EXISTS.
	db.Exec("DELETE FROM seed WHERE ctid = (SELECT min(ctid) FROM seed)")
	report, err = up(t, db, set, Options{})
	require.NoError(t, err)
	require.True(t, validIndex(t, c, "seed_id"))
	require.Equal(t, 2, scalar[int](t, c, "SELECT count(*)::int FROM marks"), "statement 1 ran once")
	require.Len(t, report.Warnings, 1)
	require.Equal(t, migrate.Version("2"), report.To)
}

// interrupt leaves history as a run leaves it that was killed during statement n.
func interrupt(t *testing.T, db *pgtest.DB, m *migrate.Migration, done, begun int, note string) {
	t.Helper()
	r := newRunner(URL(db.URL()), nil, Options{})
	defer r.close()
	require.NoError(t, r.connect(t.Context()))
	require.NoError(t, r.take(t.Context()))
	step := &migrate.Step{Migration: m, Direction: migrate.Up, Script: m.Up}
	require.NoError(t, r.add(t.Context(), r.entry(step, migrate.Started), scripts{}))
	for n := 1; n <= done; n++ {
		e := r.entry(step, migrate.StatementDone)
		e.Statement = n
		require.NoError(t, r.add(t.Context(), e, scripts{}))
	}
	if begun > 0 {
		e := r.entry(step, migrate.StatementBegun)
		e.Statement, e.Note = begun, note
		require.NoError(t, r.add(t.Context(), e, scripts{}))
	}
}

// Promise 2: what an interrupted statement left is found in the catalog.
func TestPromise2EvidenceInTheCatalog(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, statement, left, check string
		note                           string
		refused                        bool
	}{
		"index built":             {before: "CREATE TABLE t (id int)", statement: "CREATE INDEX CONCURRENTLY i ON t (id)", left: "CREATE INDEX i ON t (id)", check: "SELECT true"},
		"index invalid":           {before: "CREATE TABLE t (id int)", statement: "CREATE INDEX CONCURRENTLY i ON t (id)", left: "CREATE INDEX i ON t (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass", check: "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"},
		"index absent":            {before: "CREATE TABLE t (id int)", statement: "CREATE INDEX CONCURRENTLY \"I x\" ON t (id)", check: "SELECT indisvalid FROM pg_index WHERE indexrelid = '\"I x\"'::regclass"},
		"unnamed index built":     {before: "CREATE TABLE t (id int)", statement: "CREATE INDEX CONCURRENTLY ON t (id)", left: "CREATE INDEX ON t (id)", note: indexesBefore, check: "SELECT count(*) = 1 FROM pg_index WHERE indrelid = 't'::regclass"},
		"index dropped":           {before: "CREATE TABLE t (id int)", statement: "DROP INDEX CONCURRENTLY i", check: "SELECT to_regclass('i') IS NULL"},
		"index not dropped":       {before: "CREATE TABLE t (id int); CREATE INDEX i ON t (id)", statement: "DROP INDEX CONCURRENTLY i", check: "SELECT to_regclass('i') IS NULL"},
		"reindex leftovers":       {before: "CREATE TABLE t (id int); CREATE INDEX i ON t (id)", statement: "REINDEX INDEX CONCURRENTLY i", left: "CREATE INDEX i_ccnew ON t (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_ccnew'::regclass", check: "SELECT count(*) = 1 FROM pg_index WHERE indrelid = 't'::regclass"},
		"reindex table":           {before: "CREATE TABLE t (id int); CREATE INDEX i ON t (id)", statement: "REINDEX TABLE CONCURRENTLY t", left: "CREATE INDEX i_ccold1 ON t (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_ccold1'::regclass", check: "SELECT count(*) = 1 FROM pg_index WHERE indrelid = 't'::regclass"},
		"reindex schema":          {before: "CREATE TABLE t (id int); CREATE INDEX i ON t (id)", statement: "REINDEX SCHEMA CONCURRENTLY public", check: "SELECT true"},
		"partition detached":      {before: "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE c (id int)", statement: "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", check: "SELECT to_regclass('c') IS NOT NULL"},
		"partition attached":      {before: "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE c PARTITION OF p FOR VALUES IN (1)", statement: "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", check: "SELECT NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'c'::regclass)"},
		"partition half detached": {before: "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE c PARTITION OF p FOR VALUES IN (1)", statement: "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", left: "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'c'::regclass", check: "SELECT NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'c'::regclass)"},
		"vacuum":                  {before: "CREATE TABLE t (id int)", statement: "VACUUM t", check: "SELECT true"},
		"database there":          {before: "SELECT 1", statement: "CREATE DATABASE postgres", check: "SELECT true"},
		"subscription gone":       {before: "SELECT 1", statement: "DROP SUBSCRIPTION nowhere", check: "SELECT true"},
		"a function":              {before: "SELECT 1", statement: "DO $$ BEGIN CREATE TABLE once (id int); COMMIT; END $$", check: "SELECT to_regclass('once') IS NULL", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			c := db.Connect(t.Context())
			db.Exec(test.before)
			m := sql("1", "x", "-- kedge\nSELECT 1;\n"+test.statement+";\nCREATE TABLE last (id int);\n", "")
			m.Up.Header.Transaction = migrate.Off
			if test.left != "" {
				db.Exec(test.left)
			}
			interrupt(t, db, m, 1, 2, test.note)
			report, err := up(t, db, []*migrate.Migration{m}, Options{})
			if test.refused {
				require.ErrorIs(t, err, migrate.ErrInterrupted)
				require.Contains(t, err.Error(), "resolve 1")
				require.True(t, scalar[bool](t, c, test.check))
				_, err = Resolve(t.Context(), URL(db.URL()), nil, "1", Resume, Options{Reason: "looked"})
				require.NoError(t, err)
				_, err = up(t, db, []*migrate.Migration{m}, Options{})
				require.NoError(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, migrate.Version("1"), report.To)
			require.True(t, scalar[bool](t, c, test.check))
			require.True(t, scalar[bool](t, c, "SELECT to_regclass('last') IS NOT NULL"))
		})
	}
}

func TestResolveDoneAndUndone(t *testing.T) {
	t.Parallel()
	for _, d := range []Decision{Done, Undone} {
		db := pgtest.New(t)
		m := sql("1", "x", "CALL p();", "DROP TABLE gone;")
		m.Up.Header.Transaction = migrate.Off
		interrupt(t, db, m, 0, 1, "")
		_, err := up(t, db, []*migrate.Migration{m}, Options{})
		require.ErrorIs(t, err, migrate.ErrInterrupted)
		found, err := Resolve(t.Context(), URL(db.URL()), nil, "01", d, Options{})
		require.NoError(t, err)
		require.Equal(t, 1, found.Doubt)
		status, err := Status(t.Context(), URL(db.URL()), []*migrate.Migration{m}, "", Options{})
		require.NoError(t, err)
		require.Equal(t, map[Decision]migrate.State{Done: migrate.StateApplied, Undone: migrate.StatePending}[d], status.Migrations[0].State)
		_, err = Resolve(t.Context(), URL(db.URL()), nil, "1", d, Options{})
		require.ErrorIs(t, err, migrate.ErrRequest)
	}
	db := pgtest.New(t)
	m := sql("1", "x", "CALL p();", "")
	interrupt(t, db, m, 0, 1, "")
	_, err := Resolve(t.Context(), URL(db.URL()), nil, "1", "maybe", Options{})
	require.ErrorIs(t, err, migrate.ErrRequest)
}

func TestStepwiseRefusesWhatCouldNotBeResumed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, text := range []string{"BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT; VACUUM", "BEGIN; PREPARE TRANSACTION 'x'; VACUUM"} {
		_, err := up(t, db, []*migrate.Migration{sql("1", "x", text, "")}, Options{})
		var at *migrate.ScriptError
		require.True(t, errors.As(err, &at), "%v", err)
		require.Equal(t, 1, at.Line)
	}
}

func TestStepwiseBlocksThatRollBackOrDoNotEnd(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	_, err := up(t, db, []*migrate.Migration{sql("1", "x", "CREATE TABLE kept (id int); BEGIN; CREATE TABLE gone (id int); ROLLBACK; COPY kept FROM stdin;\n1\n2\n\\.\nVACUUM kept; BEGIN; SELECT 1;", "")}, Options{})
	require.ErrorContains(t, err, "has no end")
	require.Equal(t, 2, scalar[int](t, c, "SELECT count(*)::int FROM kept"))
	require.True(t, scalar[bool](t, c, "SELECT to_regclass('gone') IS NULL"))
}

// A DO that commits inside runs bare; one that does not runs with its row.
func TestStepwiseDoBlocks(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	m := sql("1", "x", "CREATE TABLE t (id int);\nDO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO t VALUES (i); COMMIT; END LOOP; END $$;\nDO $$ BEGIN INSERT INTO t VALUES (4); END $$;", "")
	m.Up.Header.Transaction = migrate.Off
	_, err := up(t, db, []*migrate.Migration{m}, Options{})
	require.NoError(t, err)
	require.Equal(t, 4, scalar[int](t, c, "SELECT count(*)::int FROM t"))
	require.Equal(t, []string{"started 1", "statement_done 1 1", "statement_begun 1 2", "statement_done 1 2", "statement_done 1 3", "applied 1"}, events(t, c))
}

func TestStepwiseDown(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := []*migrate.Migration{sql("1", "t", "CREATE TABLE t (id int); CREATE INDEX t_id ON t (id);", "DROP INDEX CONCURRENTLY t_id;\nDROP TABLE t;")}
	_, err := up(t, db, set, Options{})
	require.NoError(t, err)
	report, err := Run(t.Context(), URL(db.URL()), set, migrate.Request{Direction: migrate.Down}, Options{})
	require.NoError(t, err)
	require.Equal(t, StepReverted, report.Steps[0].State)
	require.Equal(t, migrate.Version(""), report.To)
	require.True(t, scalar[bool](t, c, "SELECT to_regclass('t') IS NULL"))
}

// Promise 4: no lock_timeout around CONCURRENTLY. The build waits for a
// transaction for longer than the timeout, the watchdog says for whom, and it ends well.
func TestPromise4NoLockTimeoutAroundConcurrently(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	db.Exec("CREATE TABLE t (id int)")
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	seen := make(chan migrate.Progress, 100)
	done := make(chan error, 1)
	go func() {
		_, err := Run(context.Background(), URL(db.URL()), []*migrate.Migration{sql("1", "i", "CREATE INDEX CONCURRENTLY i ON t (id)", "")}, migrate.Request{}, Options{
			LockTimeout: 50 * time.Millisecond,
			Observer: func(p migrate.Progress) {
				if p.Kind == migrate.StatementRunning {
					seen <- p
				}
			},
		})
		done <- err
	}()
	p := <-seen
	require.NotEmpty(t, p.Blockers)
	require.Equal(t, int32(c.PgConn().PID()), p.Blockers[0].PID)
	require.Contains(t, p.Phase, "wait")
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-done)
	require.True(t, validIndex(t, db.Connect(t.Context()), "i"))
}

// A lock that is not to be had lets the statement be tried again, not the ones before it.
func TestStepwiseRetries(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	db.Exec("CREATE TABLE t (id int); CREATE TABLE log (id int)")
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE t")
	require.NoError(t, err)
	report, err := up(t, db, []*migrate.Migration{sql("1", "x", "INSERT INTO log VALUES (1); BEGIN; INSERT INTO log VALUES (2); ALTER TABLE t ADD b int; COMMIT; VACUUM log;", "")}, Options{
		LockTimeout: 20 * time.Millisecond,
		Observer: func(p migrate.Progress) {
			if p.Kind == migrate.WaitingForLock && p.Retry == 2 {
				if err := tx.Commit(context.Background()); err != nil {
					panic(err)
				}
			}
		},
	})
	require.NoError(t, err)
	require.Equal(t, 2, scalar[int](t, c, "SELECT count(*)::int FROM log"))
	require.GreaterOrEqual(t, report.Steps[0].Retries, 2)
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	code := func(version string, f migrate.Function) *migrate.Migration {
		return &migrate.Migration{Version: migrate.Version(version), Name: "code", Kind: migrate.Versioned, Up: &migrate.Script{File: "code.go", Run: &f, Checksum: migrate.Checksum{Text: "v1"}}}
	}
	insert := func(ctx context.Context, tx pgx.Tx) error {
		if tx.Commit(ctx) == nil || tx.Rollback(ctx) == nil {
			return errors.New("the transaction could be ended")
		}
		_, err := tx.Exec(ctx, "INSERT INTO t VALUES ($1)", 7)
		return err
	}
	set := []*migrate.Migration{
		sql("1", "t", "CREATE TABLE t (id int);", ""),
		code("2", migrate.Function{Tx: insert}),
		code("3", migrate.Function{Conn: func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, "VACUUM t")
			return err
		}}),
		sql("4", "u", "CREATE TABLE u (id int);", ""),
	}
	_, err := up(t, db, set, Options{})
	require.NoError(t, err)
	require.Equal(t, 7, scalar[int](t, c, "SELECT id FROM t"))
	for i, f := range []migrate.Function{
		{Tx: func(ctx context.Context, tx pgx.Tx) error {
			_, _ = tx.Exec(ctx, "CREATE TABLE never (id int)")
			return errors.New("no")
		}},
		{Tx: func(ctx context.Context, tx pgx.Tx) error { _, _ = tx.Exec(ctx, "SELECT 1/0"); return nil }},
		{Tx: func(ctx context.Context, tx pgx.Tx) error { _, err := tx.Exec(ctx, "COMMIT"); return err }},
		{Tx: func(ctx context.Context, tx pgx.Tx) error { return tx.Conn().Close(ctx) }},
		{Conn: func(ctx context.Context, c *pgx.Conn) error { _, err := c.Exec(ctx, "BEGIN"); return err }},
		{Conn: func(ctx context.Context, c *pgx.Conn) error { return errors.New("no") }},
	} {
		report, err := up(t, db, append(set[:4:4], code(fmt.Sprint(5+i), f)), Options{})
		require.Error(t, err, "function %d", i)
		require.Equal(t, migrate.Version("4"), report.To)
		require.True(t, scalar[bool](t, c, "SELECT to_regclass('never') IS NULL"))
		if f.Conn != nil {
			_, err = Resolve(t.Context(), URL(db.URL()), nil, fmt.Sprint(5+i), Undone, Options{})
			require.NoError(t, err)
		}
	}
}

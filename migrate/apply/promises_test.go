package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
)

// Promise 1: a migration and its row are one transaction. The session is killed in the middle of the fourth of six.
func TestPromise1KilledInTheMiddle(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(6)
	set[3].Up = script("4.sql", "CREATE TABLE t4 (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\nCREATE TABLE never (id int);")
	report, err := up(t, db, set, Options{ReconnectWait: 10 * time.Second})
	require.Error(t, err)
	require.Equal(t, migrate.Version("3"), report.To)
	require.Equal(t, StepApplied, report.Steps[2].State)
	require.Equal(t, StepFailed, report.Steps[3].State)
	require.Equal(t, 3, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	require.Equal(t, []string{"applied 1", "applied 2", "applied 3", "failed 4"}, events(t, c))
}

// Promise 1: a COMMIT that fails by itself (here, by a deferred trigger that
// gets past SET CONSTRAINTS) lets nothing after it take effect.
func TestPromise1CommitFails(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(6)
	set[2].Up = script("3.sql", "CREATE TABLE a (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1), (1);")
	_, err := up(t, db, set, Options{})
	require.ErrorContains(t, err, "deferred constraints")
	require.Equal(t, []string{"applied 1", "applied 2", "failed 3"}, events(t, c))

	db.Exec(`CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now' USING ERRCODE = 'P0009'; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON kedge.history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.event = 'applied' AND NEW.version = '3') EXECUTE FUNCTION late();
CREATE FUNCTION defer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET CONSTRAINTS ALL DEFERRED; RETURN NEW; END $$;
CREATE TRIGGER defer BEFORE INSERT ON kedge.history FOR EACH ROW EXECUTE FUNCTION defer()`)
	set[2].Up = script("3.sql", "CREATE TABLE t3 (id int);")
	report, err := up(t, db, set, Options{})
	require.ErrorContains(t, err, "committing")
	require.Equal(t, migrate.Version("2"), report.To)
	require.Equal(t, 2, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	require.Equal(t, []string{"applied 1", "applied 2", "failed 3", "failed 3"}, events(t, c))
}

// Promise 3: who waits is told who holds the lock; the wait ends with ErrLocked.
func TestPromise3HolderIsNamed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	_, err := c.Exec(t.Context(), "SET application_name = 'the other run'")
	require.NoError(t, err)
	_, err = c.Exec(t.Context(), fmt.Sprintf("SELECT pg_advisory_lock(%d)", Table{}.Key()))
	require.NoError(t, err)
	waited := 0
	_, err = up(t, db, tables(1), Options{RunWait: 200 * time.Millisecond, Observer: func(p migrate.Progress) {
		if p.Kind == migrate.WaitingForRun {
			waited++
			require.Equal(t, "the other run", p.Blockers[0].Application)
		}
	}})
	require.ErrorIs(t, err, ErrLocked)
	var locked *LockedError
	require.True(t, errors.As(err, &locked))
	require.Equal(t, int32(c.PgConn().PID()), locked.Holder[0].PID)
	require.Contains(t, err.Error(), fmt.Sprintf("pid %d", c.PgConn().PID()))
	require.Positive(t, waited)
	_, err = up(t, db, tables(1), Options{History: Table{Schema: "other"}})
	require.NoError(t, err, "another history table has another lock")
}

// Promise 3: the lock does not get in the way of CONCURRENTLY, however many wait for it.
func TestPromise3ManyAtOnceWithConcurrently(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := []*migrate.Migration{sql("1", "t", "CREATE TABLE t (id int);", ""), sql("2", "i", "CREATE INDEX CONCURRENTLY i ON t (id);", ""), sql("3", "d", "DROP INDEX CONCURRENTLY i;", ""), sql("4", "u", "CREATE TABLE u (id int);", "")}
	errs := make(chan error)
	for range 12 {
		go func() {
			_, err := Run(context.Background(), URL(db.URL()), set, migrate.Request{}, Options{})
			errs <- err
		}()
	}
	for range 12 {
		require.NoError(t, <-errs)
	}
	require.Equal(t, 4, scalar[int](t, c, "SELECT count(*)::int FROM kedge.history WHERE event = 'applied'"))
	require.Equal(t, 10, scalar[int](t, c, "SELECT count(*)::int FROM kedge.history"), "two rows, and two times started, begun, done, applied")
}

// Promise 4: lock_timeout, back off, the whole transaction again, and who blocks is said.
func TestPromise4BlockedTable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	db.Exec("CREATE TABLE t (id int)")
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT * FROM t")
	require.NoError(t, err)
	set := []*migrate.Migration{sql("1", "a", "CREATE TABLE a (id int);", ""), sql("2", "t", "CREATE TABLE b (id int);\nALTER TABLE t ADD c int;", ""), sql("3", "c", "CREATE TABLE c (id int);", "")}
	report, err := up(t, db, set, Options{LockTimeout: 300 * time.Millisecond, LockRetry: 500 * time.Millisecond})
	require.ErrorIs(t, err, ErrLockRetries)
	var gaveUp *LockRetriesError
	require.True(t, errors.As(err, &gaveUp))
	require.NotEmpty(t, gaveUp.Blockers)
	require.Equal(t, int32(c.PgConn().PID()), gaveUp.Blockers[0].PID)
	require.Contains(t, err.Error(), "in the way: pid")
	var located *migrate.StatementError
	require.True(t, errors.As(err, &located))
	require.Equal(t, 2, located.Line)
	require.Equal(t, migrate.Version("1"), report.To)
	other := db.Connect(t.Context())
	require.True(t, scalar[bool](t, other, "SELECT to_regclass('b') IS NULL AND to_regclass('c') IS NULL"))

	report, err = up(t, db, set, Options{LockTimeout: 100 * time.Millisecond, Observer: func(p migrate.Progress) {
		if p.Kind == migrate.WaitingForLock && p.Retry == 2 {
			if err := tx.Rollback(context.Background()); err != nil {
				panic(err)
			}
		}
	}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, report.Steps[0].Retries, 2)
	require.Equal(t, 2, scalar[int](t, other, "SELECT count(*)::int FROM kedge.history WHERE retries > 0"), "the failure's row and the migration's")
	_, err = up(t, db, tables(3)[2:], Options{LockRetry: -1})
	require.Error(t, err)
}

// Promise 6: every file starts from the same session.
func TestPromise6SameSession(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := db.Role("owner")
	c := db.Connect(t.Context())
	db.Exec("GRANT ALL ON DATABASE " + db.Name() + " TO " + role + "; GRANT ALL ON SCHEMA public TO " + role + "; CREATE SCHEMA app AUTHORIZATION " + role + "; CREATE SCHEMA kedge AUTHORIZATION " + role)
	dirty := "SET TimeZone = 'Asia/Tokyo';\nSET search_path = public;\nSELECT set_config('work_mem', '77MB', false);\nLISTEN x;\nCREATE TEMP TABLE left_over (id int);\nPREPARE p AS SELECT 1;\nRESET ROLE;\nSELECT pg_advisory_lock(42), pg_advisory_lock(1, -2), pg_advisory_lock_shared(43), pg_advisory_lock(42);\nDECLARE cur CURSOR WITH HOLD FOR SELECT 1;"
	look := func(n int) string {
		return fmt.Sprintf("CREATE TABLE look%d AS SELECT current_setting('TimeZone') AS tz, current_setting('search_path') AS path, current_setting('work_mem') AS mem, current_setting('kedge_test.x') AS x, current_user::text AS who, to_regclass('pg_temp.left_over') IS NULL AS no_temp, (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_cursors WHERE name = 'cur') AS left_over, (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks;", n)
	}
	set := []*migrate.Migration{
		sql("1", "look", look(1), ""), sql("2", "dirty", dirty, ""), sql("3", "look", look(3), ""),
		sql("4", "dirty", "VACUUM pg_class;\n"+strings.Replace(dirty, "DECLARE cur CURSOR WITH HOLD FOR SELECT 1;", "", 1), ""), sql("5", "look", look(5), ""),
		sql("6", "dirty", "-- streamed\nSET standard_conforming_strings = off;\nSELECT 'a\\'b';", ""), sql("7", "look", look(7), ""),
	}
	set[3].Up.Text = strings.Replace(set[3].Up.Text, "VACUUM pg_class", "REINDEX INDEX CONCURRENTLY app.i", 1)
	set[3].Up = script("4.sql", set[3].Up.Text)
	set[0].Up = script("1.sql", "CREATE TABLE it (id int); CREATE INDEX i ON it (id);"+look(1))
	_, err := up(t, db, set, Options{Role: role, SearchPath: `app, "$user"`, Settings: map[string]string{"kedge_test.x": "it's"}})
	require.NoError(t, err)
	for _, n := range []int{3, 5, 7} {
		require.Equal(t, 0, scalar[int](t, c, fmt.Sprintf("SELECT count(*)::int FROM (SELECT * FROM app.look1 EXCEPT SELECT * FROM app.look%d) d", n)), "look %d", n)
	}
	require.Equal(t, "UTC", scalar[string](t, c, "SELECT tz FROM app.look7"))
	require.Equal(t, `app, "$user"`, scalar[string](t, c, "SELECT path FROM app.look7"))
	require.Equal(t, role, scalar[string](t, c, "SELECT who FROM app.look7"))
	require.Equal(t, role, scalar[string](t, c, "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'kedge'"))
}

// Promise 3 and 6: a script that releases every advisory lock is found out before it commits.
func TestPromise6LockGivenAway(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	_, err := up(t, db, []*migrate.Migration{sql("1", "x", "CREATE TABLE t (id int); SELECT pg_advisory_unlock_all();", "")}, Options{})
	require.ErrorIs(t, err, ErrLockLost)
	require.True(t, scalar[bool](t, c, "SELECT to_regclass('t') IS NULL"))
}

// Promise 7: history keeps the scripts; down works without the files.
func TestPromise7DownWithoutFiles(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(3)
	set[1].Up = script("2.sql", "CREATE TABLE t2 (id int); -- "+strings.Repeat("x", UpScriptLimit))
	set[2].Up = script("3.sql", "CREATE TABLE t3 (id int); DO $$ BEGIN IF false THEN EXECUTE 'x'; END IF; END $$; CREATE ROLE "+db.Name()+" PASSWORD 'secret1'; DROP ROLE "+db.Name())
	_, err := up(t, db, set, Options{Commit: "abc123", Host: "build-7", OSUser: "ci", Tool: "test 1", Reason: "release"})
	require.NoError(t, err)
	require.Equal(t, 0, scalar[int](t, c, "SELECT count(*)::int FROM kedge.history h WHERE h::text LIKE '%secret1%'"))
	require.True(t, scalar[bool](t, c, "SELECT up_script IS NULL AND down_script = 'DROP TABLE t2;' FROM kedge.history WHERE version = '2'"))
	entries, err := History(t.Context(), URL(db.URL()), Options{})
	require.NoError(t, err)
	require.Len(t, entries, 3)
	e := entries[0]
	require.Equal(t, []string{"abc123", "build-7", "ci", "test 1", "release"}, []string{e.Commit, e.Host, e.OSUser, e.Tool, e.Note})
	require.NotEmpty(t, e.By)
	require.WithinDuration(t, time.Now(), e.At, time.Hour)
	require.Positive(t, e.Duration)
	report, err := Run(t.Context(), URL(db.URL()), nil, migrate.Request{Direction: migrate.Down, All: true}, Options{})
	require.NoError(t, err)
	require.Len(t, report.Steps, 3)
	require.Equal(t, 0, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	report, err = Run(t.Context(), URL(db.URL()), set, migrate.Request{}, Options{})
	require.NoError(t, err)
	require.Equal(t, migrate.Version("3"), report.To)
	report, err = Run(t.Context(), URL(db.URL()), set, migrate.Request{Redo: true}, Options{})
	require.NoError(t, err)
	require.Len(t, report.Steps, 2)
}

// Promise 9: a cancelled context cancels the statement, rolls back, and releases the lock.
func TestPromise9Cancel(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"transactional":     "CREATE TABLE never (id int);\nSELECT pg_sleep(60);",
		"streamed":          "CREATE TABLE never (id int);\nSET standard_conforming_strings = on;\nSELECT pg_sleep(60);",
		"non-transactional": "SELECT 1;\nBEGIN;\nCREATE TABLE never (id int);\nSELECT pg_sleep(60);\nCOMMIT;\nVACUUM;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			c := db.Connect(t.Context())
			ctx, cancel := context.WithCancel(t.Context())
			set := append(tables(2), sql("3", "slow", text, ""))
			go func() {
				for ctx.Err() == nil {
					var asleep bool
					if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')").Scan(&asleep); err == nil && asleep {
						cancel()
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
			report, err := Run(ctx, URL(db.URL()), set, migrate.Request{}, Options{})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, migrate.Version("2"), report.To)
			c = db.Connect(t.Context())
			require.True(t, scalar[bool](t, c, "SELECT to_regclass('never') IS NULL"))
			list := events(t, c)
			require.Contains(t, list[len(list)-1], "failed 3")
			report, err = up(t, db, tables(2), Options{RunWait: -1})
			require.True(t, err == nil || errors.Is(err, migrate.ErrMissing) || errors.Is(err, migrate.ErrInterrupted), "%v: the lock is free", err)
			_ = report
		})
	}
	_, err := Run(canceled(), URL("postgres://nowhere.invalid"), nil, migrate.Request{}, Options{})
	require.Error(t, err)
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// A session that does not answer to being cancelled is cut off.
func TestCancelGrace(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	set := []*migrate.Migration{sql("1", "deaf", "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$", "")}
	c := db.Connect(t.Context())
	go func() {
		for ctx.Err() == nil {
			var asleep bool
			if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')").Scan(&asleep); err == nil && asleep {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := Run(ctx, URL(db.URL()), set, migrate.Request{}, Options{CancelGrace: 500 * time.Millisecond})
	require.Error(t, err)
	db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

const copied = "CREATE TABLE t (id int, name text);\nCOPY t FROM stdin;\n1\tone\n2\ttwo\\tabs\n\\.\nINSERT INTO t VALUES (3, 'three');\n"

func TestCopy(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := []*migrate.Migration{sql("1", "copy", "\\restrict abc\n"+copied+"\\unrestrict abc\n", ""), sql("2", "enclosed", "BEGIN;\nCREATE TABLE u (id int);\nCOPY u FROM stdin;\n1\n\\.\nCOMMIT;\n", ""), sql("3", "bad", "CREATE TABLE never (id int);\nCOPY u FROM stdin;\n1\nx\n\\.\n", "")}
	_, err := up(t, db, set, Options{})
	var located *migrate.StatementError
	require.True(t, errors.As(err, &located), "%v", err)
	require.Equal(t, 4, located.Line)
	require.Equal(t, 2, located.Number)
	require.Equal(t, 3, scalar[int](t, c, "SELECT count(*)::int FROM t"))
	require.Equal(t, 1, scalar[int](t, c, "SELECT count(*)::int FROM u"))
	require.True(t, scalar[bool](t, c, "SELECT to_regclass('never') IS NULL"))
	_, err = up(t, db, append(set[:2:2], sql("3", "no_rows", "COPY u FROM stdin", "")), Options{})
	require.ErrorContains(t, err, "no rows follow")
}

// A script too large to keep is streamed, and what was sent is compared with what was planned.
func TestStreamedScript(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	var b strings.Builder
	b.WriteString("BEGIN;\nCREATE TABLE t (id int, pad text);\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "INSERT INTO t VALUES (%d, '%s');\n", i, strings.Repeat("x", 400))
	}
	b.WriteString("COPY t FROM stdin;\n" + strings.Repeat("1\tabc\n", 50000) + "\\.\nCOMMIT;\n")
	text := b.String()
	m := sql("1", "large", text, "")
	m.Up.Text = ""
	m.Up.Reader = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	require.Greater(t, len(text), migrate.InlineLimit)
	_, err := up(t, db, []*migrate.Migration{m}, Options{})
	require.NoError(t, err)
	require.Equal(t, 53000, scalar[int](t, c, "SELECT count(*)::int FROM t"))

	changing := sql("2", "changing", text, "")
	changing.Up.Text = ""
	reads := 0
	changing.Up.Reader = func() (io.ReadCloser, error) {
		reads++
		return io.NopCloser(strings.NewReader(strings.Replace(text, "TABLE t ", fmt.Sprintf("TABLE t%d ", reads), 1))), nil
	}
	_, err = up(t, db, []*migrate.Migration{m, changing}, Options{})
	require.ErrorContains(t, err, "changed while it was being applied")

	failing := strings.Replace(text, "(2000,", "(2000, oops,", 1)
	failing = strings.Replace(failing, "TABLE t ", "TABLE u ", 1)
	broken := sql("2", "failing", failing, "")
	broken.Up.Text = ""
	broken.Up.Reader = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(failing)), nil }
	_, err = up(t, db, []*migrate.Migration{m, broken}, Options{})
	var located *migrate.StatementError
	require.True(t, errors.As(err, &located), "%v", err)
	require.Equal(t, 2003, located.Line)
	require.Equal(t, 2002, located.Number)
}

func TestErrorsAreAttributed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, test := range []struct {
		text         string
		line, column int
		number       int
	}{
		{"SELECT 1;\n\nSELECT 1/0;\nSELECT 2;", 3, 1, 2},
		{"/* é */ SELECT 'é', nope;", 1, 21, 1},
		{"BEGIN;\nSELECT 1;\nSELECT nope;\nCOMMIT;", 3, 8, 2},
		{"SELECT 1;\r\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\r\n  SELECT nope $$;", 3, 10, 2},
		{"CREATE TABLE a (id int UNIQUE);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);", 3, 1, 3},
		{"SELECT 1; SELECT FROM WHERE", 1, 23, 2},
		{"COPY (SELECT 1) TO STDOUT;\nSELECT 1/0", 2, 1, 2},
	} {
		_, err := up(t, db, []*migrate.Migration{sql("1", "x", test.text, "")}, Options{})
		var located *migrate.StatementError
		require.True(t, errors.As(err, &located), "%s: %v", test.text, err)
		require.Equal(t, []int{test.line, test.column, test.number}, []int{located.Line, located.Column, located.Number}, test.text)
	}
}

func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := db.Role("least", "LOGIN")
	c := db.Connect(t.Context())
	connect := func(ctx context.Context) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(db.URL())
		if err != nil {
			return nil, err
		}
		config.User, config.Password = role, ""
		return Config(config)(ctx)
	}
	if _, err := connect(t.Context()); err != nil {
		t.Skipf("the test server wants a password of the role: %v", err)
	}
	set := tables(1)
	db.Exec("REVOKE CREATE ON SCHEMA public FROM public; REVOKE ALL ON DATABASE " + db.Name() + " FROM public; GRANT CONNECT ON DATABASE " + db.Name() + " TO " + role)
	_, err := Run(t.Context(), connect, set, migrate.Request{}, Options{})
	var pg *pgconn.PgError
	require.True(t, errors.As(err, &pg))
	require.Contains(t, err.Error(), "needs USAGE on schema kedge")
	db.Exec("CREATE SCHEMA kedge; GRANT USAGE, CREATE ON SCHEMA kedge TO " + role + "; GRANT USAGE, CREATE ON SCHEMA public TO " + role)
	_, err = Run(t.Context(), connect, set, migrate.Request{}, Options{})
	require.NoError(t, err)
	db.Exec("ALTER TABLE kedge.history OWNER TO CURRENT_USER; REVOKE CREATE ON SCHEMA kedge FROM " + role)
	_, err = Run(t.Context(), connect, append(set, tables(2)[1]), migrate.Request{}, Options{})
	require.ErrorContains(t, err, "SELECT and INSERT")
	db.Exec("GRANT SELECT, INSERT ON kedge.history TO " + role)
	_, err = Run(t.Context(), connect, append(set, tables(2)[1]), migrate.Request{}, Options{})
	require.NoError(t, err)
	require.Equal(t, 2, scalar[int](t, c, "SELECT count(*)::int FROM kedge.history WHERE event = 'applied'"))
}

package apply

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

func TestUpFromAFileSystemWithAPool(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	config, err := pgxpool.ParseConfig(db.URL())
	require.NoError(t, err)
	config.MaxConns = 1
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.RuntimeParams["application_name"] = "from the pool"
		return nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	held, err := pool.Acquire(t.Context()) // the pool's only connection: kedge needs none of it
	require.NoError(t, err)
	defer held.Release()
	files := fstest.MapFS{"migrations/1_t.up.sql": {Data: []byte("CREATE TABLE t AS SELECT reset_val FROM pg_settings WHERE name = 'application_name';")}}
	report, err := Up(t.Context(), Pool(pool), source.Location{FS: files, Path: "migrations"}, Options{})
	if err != nil { // the folder may have to be given another way
		report, err = Up(t.Context(), Pool(pool), source.Location{FS: files}, Options{})
	}
	require.NoError(t, err)
	require.Equal(t, migrate.Version("1"), report.To)
	require.Equal(t, "from the pool", scalar[string](t, db.Connect(t.Context()), "SELECT * FROM t"))
	_, err = Up(t.Context(), Pool(pool), source.Location{}, Options{})
	require.Error(t, err)
}

func TestBaselineRepairAdoptStatus(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	to := URL(db.URL())
	set := tables(5)
	report, err := Baseline(t.Context(), to, set, "2", Options{Reason: "was there"})
	require.NoError(t, err)
	require.Equal(t, migrate.Version("2"), report.To)
	_, err = up(t, db, set, Options{})
	require.NoError(t, err)
	require.Equal(t, 3, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	_, err = Baseline(t.Context(), to, set, "3", Options{})
	require.ErrorIs(t, err, migrate.ErrRequest)

	changed := tables(5)[:4] // 5 is missing
	changed[2].Up = script("3.sql", "CREATE TABLE t3 (id bigint);")
	_, err = up(t, db, changed, Options{})
	require.ErrorIs(t, err, migrate.ErrChanged)
	require.ErrorIs(t, err, migrate.ErrMissing)
	status, err := Status(t.Context(), to, changed, "", Options{})
	require.NoError(t, err)
	require.Equal(t, migrate.StateChanged, status.Migrations[2].State)
	require.Equal(t, db.Name(), status.Database)
	proposals, err := Repairs(t.Context(), to, changed, nil, Options{})
	require.NoError(t, err)
	require.Len(t, proposals, 2)
	require.Contains(t, proposals[0].WasSQL, "id int")
	require.Contains(t, proposals[0].NowSQL, "id bigint")
	require.Equal(t, migrate.StateMissing, proposals[1].State)
	one, err := Repairs(t.Context(), to, changed, []string{"003"}, Options{})
	require.NoError(t, err)
	require.Equal(t, proposals[:1], one)
	_, err = Repairs(t.Context(), to, changed, []string{"4"}, Options{})
	require.ErrorIs(t, err, migrate.ErrUnknownVersion)
	stale := proposals[0]
	stale.NowSQL = "something else"
	require.ErrorIs(t, Repair(t.Context(), to, changed, []RepairProposal{stale}, Options{}), migrate.ErrPlanStale)
	require.NoError(t, Repair(t.Context(), to, changed, proposals, Options{}))
	report, err = up(t, db, changed, Options{})
	require.NoError(t, err)
	require.Empty(t, report.Steps)

	adopted := append(changed, sql("9", "by_hand", "CREATE TABLE x (id int);", "DROP TABLE x;"))
	for range 2 {
		require.NoError(t, Adopt(t.Context(), to, adopted[4:], Options{}))
	}
	report, err = up(t, db, adopted, Options{})
	require.NoError(t, err)
	require.Empty(t, report.Steps)
	require.Equal(t, migrate.Version("9"), report.To)
}

func TestApplyPlan(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	to := URL(db.URL())
	set := tables(3)
	report, err := up(t, db, set, Options{Mode: DryRun})
	require.NoError(t, err)
	require.Equal(t, StepPending, report.Steps[0].State)
	require.False(t, scalar[bool](t, db.Connect(t.Context()), "SELECT to_regnamespace('kedge') IS NOT NULL"), "a dry run changes nothing")
	kept := report.Plan.Document()
	edited := tables(3)
	edited[1].Up = script("2.sql", "CREATE TABLE t2 (id bigint);")
	_, err = ApplyPlan(t.Context(), to, edited, kept, Options{})
	require.ErrorIs(t, err, migrate.ErrPlanStale)
	require.ErrorContains(t, err, "files")
	_, err = ApplyPlan(t.Context(), to, set, kept, Options{})
	require.NoError(t, err)
	_, err = ApplyPlan(t.Context(), to, set, kept, Options{})
	require.ErrorContains(t, err, "database has changed")
}

func TestPreflightWarnsAndRunIsAnnounced(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	listener := db.Connect(t.Context())
	_, err := listener.Exec(t.Context(), "LISTEN kedge")
	require.NoError(t, err)
	tx, err := c.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)
	report, err := up(t, db, append(tables(2), sql("3", "v", "VACUUM;", "")), Options{LongTransaction: time.Nanosecond, Throttle: Throttle{ReplicationLag: time.Second}})
	require.NoError(t, err)
	require.Contains(t, strings.Join(report.Warnings, "\n"), fmt.Sprintf("pid %d", c.PgConn().PID()))
	n, err := listener.WaitForNotification(t.Context())
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"run_id":%q,"version":"3"}`, report.RunID), n.Payload)
	report, err = up(t, db, append(tables(2), sql("3", "v", "VACUUM;", ""), tables(4)[3]), Options{})
	require.NoError(t, err)
	n, err = listener.WaitForNotification(t.Context())
	require.NoError(t, err)
	require.Contains(t, n.Payload, report.RunID)
}

func TestReadOnlyAndNewerLayoutAreRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := up(t, db, tables(1), Options{})
	require.NoError(t, err)
	db.Exec("ALTER DATABASE " + db.Name() + " SET default_transaction_read_only = on")
	_, err = up(t, db, tables(2), Options{})
	require.ErrorIs(t, err, ErrReadOnly)
	_, err = Baseline(t.Context(), URL(db.URL()), nil, "1", Options{})
	require.ErrorIs(t, err, ErrReadOnly)
	c := db.Connect(t.Context())
	_, err = c.Exec(t.Context(), "BEGIN READ WRITE; COMMENT ON TABLE kedge.history IS '"+layoutComment+"99'; COMMIT")
	require.NoError(t, err)
	_, err = History(t.Context(), URL(db.URL()), Options{})
	require.ErrorIs(t, err, ErrHistoryLayout)
}

// Reading the history and finding nothing to do is one round trip after the connection is made.
func TestNothingToDoIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := up(t, db, tables(3), Options{})
	require.NoError(t, err)
	connects := &fault{}
	conn, err := connects.connector(db.URL())(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	f := &fault{}
	_, err = Run(t.Context(), f.connector(db.URL()), tables(3), migrate.Request{}, Options{})
	require.NoError(t, err)
	require.Equal(t, connects.count.Load()+1, f.count.Load())
}

// No error, history row or report shows the password of a role that a script makes.
func TestNoPasswords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "CREATE ROLE a PASSWORD '********' LOGIN; SELECT 'x'", withoutPasswords("CREATE ROLE a PASSWORD 'geheim' LOGIN; SELECT 'x'"))
	require.Equal(t, "select password from t where x = 'y'", withoutPasswords("select password from t where x = 'y'"))
	_, err := URL("postgres://u:geheim@127.0.0.1:1/x?connect_timeout=1")(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "geheim")
	_, err = URL("postgres://u:geheim@127.0.0.1:1/x?sslmode=nonsense")(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "geheim")
}

func TestSearchPathAndNames(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"public": "'public'", `App, "My ""S"`: `'app', 'My "S'`, `"$user",x`: `'$user', 'x'`, "": "''", "it's": "'it''s'",
	} {
		require.Equal(t, want, searchPath(value))
	}
	for written, want := range map[string]string{"T": "t", `s."A.b"`: "A.b", `"a""b"`: `a"b`, "a . B": "b"} {
		require.Equal(t, want, name(written))
	}
	require.Equal(t, "aé", truncate("aéé", 4))
	require.Equal(t, `s."a b"`, partitionName(`ALTER TABLE p DETACH PARTITION s."a b" CONCURRENTLY`))
}

// Promise 3: behind PgBouncer in transaction mode everything works but what a
// shared session cannot; statement mode is refused with advice.
func TestPromise3PgBouncer(t *testing.T) {
	t.Parallel()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("pgbouncer is not installed")
	}
	server := pgtest.Server(t, pgtest.ServerOptions{Listen: environments.ListenLoopback, HBA: []string{"host all all 127.0.0.1/32 trust"}})
	for _, mode := range []string{"transaction", "session", "statement"} {
		t.Run(mode, func(t *testing.T) {
			direct := server.Create("bounced_" + mode)
			url := bounce(t, bouncer, direct, mode)
			to := URL(url)

			set := chaosSet()
			report, err := Run(t.Context(), to, set, migrate.Request{}, Options{})
			if mode == "statement" {
				require.ErrorIs(t, err, ErrStatementPooling)
				require.ErrorContains(t, err, "connect straight to the server")
				return
			}
			require.NoError(t, err)
			require.Len(t, report.Steps, len(set))
			errs := make(chan error)
			more := append(set, tables(30)[20:]...)
			for range 4 {
				go func() {
					_, err := Run(context.Background(), to, more, migrate.Request{}, Options{})
					errs <- err
				}()
			}
			for range 4 {
				require.NoError(t, <-errs)
			}
			entries, err := History(t.Context(), to, Options{})
			require.NoError(t, err)
			applied := 0
			for _, e := range entries {
				if e.Event == migrate.Applied {
					applied++
				}
			}
			require.Equal(t, 15, applied)
			_, err = Run(t.Context(), to, append(more, sql("90", "i", "CREATE INDEX CONCURRENTLY late ON u (id);", "")), migrate.Request{}, Options{SearchPath: "public"})
			require.ErrorIs(t, err, ErrPooled)

			// A connection that is cut is settled behind the pooler, too.
			c, err := pgx.Connect(t.Context(), direct)
			require.NoError(t, err)
			defer func() { _ = c.Close(context.Background()) }()
			want := scalar[string](t, c, "SELECT count(*) || ' ' || sum(id) FROM t")
			for n := int64(2); n < 34; n += 3 {
				_, err := c.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA kedge CASCADE")
				require.NoError(t, err)
				f := &fault{n: n, when: []moment{afterMessage, beforeAnswer}[n%2]}
				_, _ = Run(t.Context(), f.connector(url), set, migrate.Request{}, Options{ReconnectWait: 20 * time.Second})
				_, err = Run(t.Context(), to, set, migrate.Request{}, Options{})
				require.NoError(t, err, "after a cut at message %d", n)
				require.Equal(t, want, scalar[string](t, c, "SELECT count(*) || ' ' || sum(id) FROM t"), "after a cut at message %d", n)
			}
		})
	}
}

// bounce starts a PgBouncer before a database and connects through it.
func bounce(t *testing.T, bouncer, direct, mode string) string {
	t.Helper()
	config, err := pgx.ParseConfig(direct)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	password := ""
	if config.Password != "" {
		password = " password=" + config.Password
	}
	require.NoError(t, os.WriteFile(file, []byte(fmt.Sprintf("[databases]\n* = host=%s port=%d user=%s%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\npool_mode = %s\ndefault_pool_size = 20\n",
		"127.0.0.1", config.Port, config.User, password, port, mode)), 0o644))
	args := []string{file}
	if os.Getuid() == 0 { // it refuses to run as root
		for dir := filepath.Dir(file); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			require.NoError(t, os.Chmod(dir, 0o755))
		}
		args = []string{"-u", "nobody", file}
	}
	command := exec.Command(bouncer, args...)
	var log bytes.Buffer
	command.Stderr = &log
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String()[max(0, log.Len()-3000):])
		}
	})
	url := fmt.Sprintf("postgres://x@127.0.0.1:%d/%s?sslmode=disable", port, config.Database)
	to := URL(url)
	require.Eventually(t, func() bool {
		conn, err := to(context.Background())
		return err == nil && conn.Close(context.Background()) == nil
	}, 20*time.Second, 50*time.Millisecond)
	return url
}

// What a run says of the state it left is what history says, so that the state can be recorded without reading it again.
func TestReportedHistoryIsTheDatabases(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	same := func(report *Report, err error) {
		t.Helper()
		require.NoError(t, err)
		entries, err := History(t.Context(), URL(db.URL()), Options{})
		require.NoError(t, err)
		require.Equal(t, migrate.Fold(entries).Digest(), report.History.Digest())
		require.False(t, report.History.Empty())
	}
	set := chaosSet()
	same(up(t, db, set, Options{}))
	same(Run(t.Context(), URL(db.URL()), set, migrate.Request{Direction: migrate.Down, Steps: 1}, Options{}))
	same(up(t, db, set, Options{}))
}

package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// recorder is a test that may fail without failing the one that looks at it.
type recorder struct {
	testing.TB
	failed, skipped bool
	said            strings.Builder
	cleanups        []func()
}

func (r *recorder) Helper()                      {}
func (r *recorder) Name() string                 { return "Recorded/Test näme" }
func (r *recorder) Failed() bool                 { return r.failed }
func (r *recorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Logf(format string, a ...any) { fmt.Fprintf(&r.said, format+"\n", a...) }
func (r *recorder) Errorf(format string, a ...any) {
	r.failed = true
	r.Logf(format, a...)
}

func (r *recorder) Fatalf(format string, a ...any) {
	r.Errorf(format, a...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, a ...any) {
	r.skipped = true
	r.Logf(format, a...)
	runtime.Goexit()
}

// record runs a test that may fail, with its cleanups.
func record(t *testing.T, test func(t testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	during := func(f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	during(func() { test(r) })
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		during(r.cleanups[i])
	}
	return r
}

func databaseExists(t *testing.T, c *cluster, name string) bool {
	t.Helper()
	var exists bool
	require.NoError(t, c.do(t.Context(), func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	}))
	return exists
}

func TestDatabaseIsDroppedUnlessTheTestFailed(t *testing.T) {
	t.Parallel()
	var db *DB
	r := record(t, func(t testing.TB) {
		db = New(t)
		// Neither a session, nor a replication slot, nor a subscription keeps the database.
		if _, err := pgx.Connect(context.Background(), db.URL()); err != nil {
			t.Fatalf("%v", err)
		}
		db.Exec("SELECT pg_create_logical_replication_slot('" + db.Name() + "', 'pgoutput')")
		db.Exec("CREATE SUBSCRIPTION " + db.Name() + " CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)")
	})
	require.False(t, r.failed, r.said.String())
	require.False(t, databaseExists(t, db.cluster, db.Name()))

	r = record(t, func(t testing.TB) {
		db = New(t)
		t.Errorf("on purpose")
	})
	require.True(t, databaseExists(t, db.cluster, db.Name()))
	require.Contains(t, r.said.String(), "kept for 15m0s: "+db.URL())
	require.NoError(t, db.cluster.drop(t.Context(), db.Name()))
}

func TestWhatCannotBeDoneFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		test func(t testing.TB)
		said string
	}{
		"statement":  {func(t testing.TB) { New(t).Exec("SELECT 1/0") }, "division by zero"},
		"connection": {func(t testing.TB) { New(t).ConnectURL(context.Background(), "postgres://nowhere.invalid/") }, "connecting"},
		"psql":       {func(t testing.TB) { New(t).Psql("-c", "SELECT 1/0") }, "division by zero"},
		"template": {func(t testing.TB) {
			New(t, Template("broken", func(context.Context, *pgx.Conn) error { return errors.New("no plan") }))
		}, `building template "broken": no plan`},
		"server":            {func(t testing.TB) { Server(t, ServerOptions{Settings: map[string]string{"odd": "x"}}) }, `unrecognized configuration parameter "odd"`},
		"server statement":  {func(t testing.TB) { Server(t, ServerOptions{}).Exec("postgres", "SELECT 1/0") }, "division by zero"},
		"server connection": {func(t testing.TB) { Server(t, ServerOptions{}).Connect(context.Background(), "nowhere") }, "does not exist"},
		"server restart":    {func(t testing.TB) { Server(t, ServerOptions{}).Restart(0, map[string]string{"odd": "x"}) }, "odd"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, c.test)
			require.True(t, r.failed)
			require.Contains(t, r.said.String(), c.said)
		})
	}
}

func TestWithoutAServerTestsAreSkippedButNotInCI(t *testing.T) {
	t.Setenv("CI", "")
	none := Major(99)
	r := record(t, func(t testing.TB) { New(t, none) })
	require.True(t, r.skipped)
	require.Contains(t, r.said.String(), "no PostgreSQL 99 server")
	r = record(t, func(t testing.TB) { Server(t, ServerOptions{Major: 99}) })
	require.True(t, r.skipped)
	t.Setenv("CI", "true")
	r = record(t, func(t testing.TB) { New(t, none) })
	require.True(t, r.failed)
	t.Setenv("CI", "")
	t.Setenv("PATH", "")
	b, err := findBinaries(t.Context(), 0)
	require.NoError(t, err)
	b.Dir = t.TempDir()
	r = record(t, func(t testing.TB) { RequireProgram(t, b, "psql") })
	require.True(t, r.skipped)
	require.Contains(t, r.said.String(), "psql is not installed")
}

func TestOldPgDumpIsNotUsed(t *testing.T) {
	t.Parallel()
	b, err := findBinaries(t.Context(), 0)
	require.NoError(t, err)
	if _, ok := b.Program("pg_dump"); !ok {
		t.Skip("pg_dump is not installed")
	}
	b.Major = 99
	r := record(t, func(t testing.TB) { RequireProgram(t, b, "pg_dump") })
	require.True(t, r.skipped)
	require.Contains(t, r.said.String(), "cannot read a server of version 99")
	require.Equal(t, "a\nb\n", withoutRestrict("\\restrict x\na\n\\unrestrict x\nb\n"))
}

func TestMajorIsChosenByTheEnvironment(t *testing.T) {
	found := Majors()
	require.NotEmpty(t, found)
	t.Setenv("KEDGE_TEST_POSTGRES", fmt.Sprint(found[len(found)-1]))
	require.Equal(t, found[len(found)-1:], Majors())
	b, err := findBinaries(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, found[len(found)-1], b.Major)
	t.Setenv("KEDGE_TEST_POSTGRES", "newest")
	r := record(t, func(t testing.TB) { Server(t, ServerOptions{}) })
	require.Contains(t, r.said.String(), `KEDGE_TEST_POSTGRES="newest" is not a major version`)
	_, err = openCluster(t.Context(), -1)
	require.Error(t, err)
}

func TestEveryMajorGivesDatabases(t *testing.T) {
	t.Parallel()
	for _, major := range Majors() {
		db := New(t, Major(major))
		require.Equal(t, major, db.Major())
		db.Exec("CREATE TABLE t (id int)")
	}
}

func TestAbandonedDatabasesAreSwept(t *testing.T) {
	t.Parallel()
	db := New(t)
	c := db.cluster
	// As a process leaves them that was killed: nobody has its tag any more.
	gone := strings.ToLower(rand.Text()[:8])
	role := databaseName("role", gone, 4)
	require.NoError(t, c.exec(t.Context(), "CREATE ROLE "+ident(role)))
	abandoned, kept, expired := databaseName("left", gone, 1), databaseName("kept", gone, 2), databaseName("expired", gone, 3)
	for _, name := range []string{abandoned, kept, expired} {
		require.NoError(t, c.exec(t.Context(), "CREATE DATABASE "+ident(name)+" TEMPLATE template0"))
	}
	require.NoError(t, c.keep(t.Context(), kept))
	require.NoError(t, c.exec(t.Context(), "COMMENT ON DATABASE "+ident(expired)+" IS '"+keptComment+"2001-01-01T00:00:00Z'"))
	// Somebody ends the connection: there is another.
	require.NoError(t, execURL(t.Context(), db.URL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"+applicationPrefix+c.tag+"'"))
	require.NoError(t, c.do(t.Context(), func(conn *pgx.Conn) error { return c.sweep(t.Context(), conn) }))
	left, err := names(t.Context(), db.Connect(t.Context()), "SELECT rolname FROM pg_roles WHERE rolname = $1", role)
	require.NoError(t, err)
	require.Empty(t, left)
	require.False(t, databaseExists(t, c, abandoned))
	require.False(t, databaseExists(t, c, expired))
	require.True(t, databaseExists(t, c, kept))
	require.True(t, databaseExists(t, c, db.Name()))
	require.NoError(t, c.drop(t.Context(), kept))
}

func TestDatabaseNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "testa_b_c_tag_7", databaseName("TestA/b c", "tag", 7))
	require.LessOrEqual(t, len(databaseName(strings.Repeat("long", 50), "abcdefgh", 1<<40)), 63)
}

package pgtest_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := pgtest.New(t), pgtest.New(t)
	require.NotEqual(t, a.Name(), b.Name())
	a.Exec("CREATE TABLE only_here (id int)")
	var n int
	require.NoError(t, b.Connect(t.Context()).QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname = 'only_here'").Scan(&n))
	require.Zero(t, n)
	require.NoError(t, a.Connect(t.Context()).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&n))
	require.Equal(t, a.Major(), n)
}

func TestTemplateIsBuiltOnceAndCloned(t *testing.T) {
	t.Parallel()
	built := 0
	tpl := pgtest.Template(rand.Text(), func(ctx context.Context, conn *pgx.Conn) error {
		built++
		_, err := conn.Exec(ctx, "CREATE TABLE numbers AS SELECT generate_series(1, 10) AS n")
		return err
	})
	for range 3 {
		db := pgtest.New(t, tpl)
		var n int
		require.NoError(t, db.Connect(t.Context()).QueryRow(t.Context(), "SELECT count(*) FROM numbers").Scan(&n))
		require.Equal(t, 10, n)
		db.Exec("DELETE FROM numbers")
	}
	require.Equal(t, 1, built)
}

func TestRolesAreUniqueAndGoWithTheTest(t *testing.T) {
	t.Parallel()
	var role string
	t.Run("inner", func(t *testing.T) {
		db := pgtest.New(t)
		role = db.Role("app", "LOGIN")
		require.NotEqual(t, role, db.Role("app"))
		db.Exec("CREATE TABLE x (); ALTER TABLE x OWNER TO " + role)
	})
	db := pgtest.New(t)
	var n int
	require.NoError(t, db.Connect(t.Context()).QueryRow(t.Context(), "SELECT count(*) FROM pg_roles WHERE rolname = $1", role).Scan(&n))
	require.Zero(t, n)
	db.EnsureRoles("pgtest_reader", "pgtest_writer")
	db.EnsureRoles("pgtest_reader")
	require.NoError(t, db.Connect(t.Context()).QueryRow(t.Context(), "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgtest_%er'").Scan(&n))
	require.Equal(t, 2, n)
}

func TestPsqlAndPgDump(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Psql("-c", "CREATE TABLE seen (id int)")
	dump := db.PgDump("--schema-only")
	require.Contains(t, dump, "CREATE TABLE public.seen")
	require.Equal(t, dump, db.PgDump("--schema-only"))
}

func TestPrivateServerIsStoppedKilledAndConfigured(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: map[string]string{"max_connections": "17"}})
	url := s.Create("kept")
	require.Contains(t, url, "kept")
	s.Exec("kept", "CREATE TABLE rows AS SELECT 1 AS n; CHECKPOINT")
	var value string
	require.NoError(t, s.Connect(t.Context(), "kept").QueryRow(t.Context(), "SHOW max_connections").Scan(&value))
	require.Equal(t, "17", value)
	s.Restart(environments.StopFast, map[string]string{"work_mem": "3MB"})
	require.NoError(t, s.Connect(t.Context(), "kept").QueryRow(t.Context(), "SHOW work_mem").Scan(&value))
	require.Equal(t, "3MB", value)
	require.NoError(t, s.Kill())
	require.NoError(t, s.Start(t.Context(), nil))
	require.NoError(t, s.Connect(t.Context(), "kept").QueryRow(t.Context(), "SELECT n::text FROM rows").Scan(&value))
	require.Equal(t, "1", value)
}

func TestPrivateServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{TLS: true})
	conn, err := pgx.Connect(t.Context(), s.LoopbackURL("postgres")+"?sslmode=verify-full&sslrootcert="+s.CAFile())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var encrypted bool
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted))
	require.True(t, encrypted)
}

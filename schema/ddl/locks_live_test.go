package ddl

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
)

// TestEffectsOnServer runs every measured statement on the server at hand, in a transaction that is rolled back, and
// compares what the oracle says with the server's own account: pg_locks, the files of relations, and
// the scans that pg_stat_xact_all_tables counts.
func TestEffectsOnServer(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("testdata/locks/fixture.sql")
	require.NoError(t, err)
	template := pgtest.Template("lock-fixture", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, string(sql))
		return err
	})
	shared := pgtest.New(t, template).Connect(t.Context())
	var version string
	require.NoError(t, shared.QueryRow(t.Context(), "show server_version_num").Scan(&version))
	number, err := strconv.Atoi(version)
	require.NoError(t, err)
	major := Major(number / 10000)

	var agreed, missing, refused int
	for _, m := range measurements(t) {
		if major < m.first || major > m.last {
			continue
		}
		conn := shared
		session := slices.ContainsFunc(m.setup, func(sql string) bool { return !strings.HasPrefix(strings.ToLower(sql), "set ") })
		if session {
			conn = pgtest.New(t, template).Connect(t.Context())
		}
		switch err := runMeasured(t, conn, m, major); {
		case err == nil:
			agreed++
		case unavailable(err):
			missing++
		default:
			require.True(t, strings.HasPrefix(m.result, "refused"), "%s: %v", m.name, err)
			refused++
		}
		if conn != shared {
			require.NoError(t, conn.Close(t.Context()))
		}
	}
	t.Logf("PostgreSQL %d: %d statements agreed, %d refused as measured, %d need an extension that is not installed", major, agreed, refused, missing)
	require.Greater(t, agreed, 150)
}

// unavailable reports whether the error says that an extension is not installed on the server.
func unavailable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "58P01" || pg.Code == "0A000") && strings.Contains(pg.Message, "extension")
}

// relationState is what a relation was before the statement. The counts of scans go on through a rollback.
type relationState struct {
	name, kind string
	file       uint32
	scans      int64
}

func runMeasured(t *testing.T, conn *pgx.Conn, m measurement, major Major) error {
	t.Helper()
	ctx := t.Context()
	for _, sql := range m.setup {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	// The check of a foreign key then reads the referenced table by its key's index, whatever the statistics say.
	if _, err := conn.Exec(ctx, "set enable_hashjoin = off; set enable_sort = off; begin"); err != nil {
		return err
	}
	defer func() {
		_, err := conn.Exec(context.WithoutCancel(ctx), "rollback; reset timezone")
		require.NoError(t, err)
	}()
	before := relations(t, conn)
	if _, err := conn.Exec(ctx, m.sql); err != nil {
		return err
	}
	require.False(t, strings.HasPrefix(m.result, "refused"), "%s ran, but was measured as %s", m.name, m.result)
	want := account(t, conn, before)

	zone := ""
	require.NoError(t, conn.QueryRow(ctx, "show timezone").Scan(&zone))
	scene := fixture(t, m.setup...)
	scene.TimeZone = zone
	statements, err := Split(m.sql)
	require.NoError(t, err)
	var effects []Effect
	for _, s := range statements {
		node, err := s.Parse()
		require.NoError(t, err)
		effects = append(effects, Effects(node, major, scene)...)
		scene.Apply(node)
	}
	got, isAssumed := claims(effects)
	got.builds = want.builds // the server counts no builds outside its debug messages
	if slices.ContainsFunc(effects, func(e Effect) bool { return e.Emptied }) {
		want.scan = nil
	}
	if diff := difference(want, got, isAssumed); diff != "" {
		t.Errorf("%s on PostgreSQL %d: %s\n\t%s\n\t%+v", m.name, major, m.sql, diff, effects)
	}
	return nil
}

const relationsSQL = `select oid, relname, relkind::text, pg_relation_filenode(oid)::oid,
	coalesce(pg_stat_get_xact_numscans(oid), 0) from pg_class
	where oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'i', 'I', 'S', 'f', 'c')
	and relnamespace not in (select oid from pg_namespace where nspname like 'pg\_%' or nspname = 'information_schema')`

func relations(t *testing.T, conn *pgx.Conn) map[uint32]relationState {
	t.Helper()
	rows, err := conn.Query(t.Context(), relationsSQL)
	require.NoError(t, err)
	all := map[uint32]relationState{}
	var oid uint32
	var r relationState
	var file *uint32
	_, err = pgx.ForEachRow(rows, []any{&oid, &r.name, &r.kind, &file, &r.scans}, func() error {
		r.file = 0
		if file != nil {
			r.file = *file
		}
		all[oid] = r
		return nil
	})
	require.NoError(t, err)
	return all
}

// account asks the server what the transaction did to the relations that were there before.
func account(t *testing.T, conn *pgx.Conn, before map[uint32]relationState) measured {
	t.Helper()
	m := measured{locks: map[string]LockMode{}, indexes: map[LockMode]int{}}
	rows, err := conn.Query(t.Context(), `select relation, mode from pg_locks
		where pid = pg_backend_pid() and locktype = 'relation' and granted and relation is not null`)
	require.NoError(t, err)
	var oid uint32
	var mode string
	byOID := map[uint32]LockMode{}
	_, err = pgx.ForEachRow(rows, []any{&oid, &mode}, func() error {
		lock, ok := LockModeOf(mode)
		require.True(t, ok, mode)
		byOID[oid] = max(byOID[oid], lock)
		return nil
	})
	require.NoError(t, err)
	for oid, lock := range byOID {
		switch r, ok := before[oid]; {
		case !ok:
		case r.kind == "i" || r.kind == "I":
			if lock > RowExclusive {
				m.indexes[lock]++
			}
		default:
			m.locks[r.name] = lock
		}
	}
	after := relations(t, conn)
	for oid, r := range before {
		now, ok := after[oid]
		if ok && now.file != r.file && r.kind != "i" && r.kind != "S" {
			m.rewrite = append(m.rewrite, r.name)
		}
		if ok && now.scans > r.scans && r.kind != "i" && r.kind != "S" {
			m.scan = append(m.scan, r.name)
		}
	}
	slices.Sort(m.rewrite)
	slices.Sort(m.scan)
	return m
}

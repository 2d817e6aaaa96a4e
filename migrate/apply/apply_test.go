package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
)

// sql makes a migration of two scripts; down may be "".
func sql(version, name, up, down string) *migrate.Migration {
	v, err := migrate.ParseVersion(version)
	if err != nil {
		panic(err)
	}
	m := &migrate.Migration{Version: v, Name: name, Kind: migrate.Versioned, Up: script(version+"_"+name+".up.sql", up)}
	if down != "" {
		m.Down = script(version+"_"+name+".down.sql", down)
	}
	return m
}

func script(file, text string) *migrate.Script {
	s := &migrate.Script{File: file, Size: int64(len(text)), Text: text, Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(text))}}
	return s
}

func scalar[T any](t *testing.T, c *pgx.Conn, query string, args ...any) T {
	t.Helper()
	var v T
	require.NoError(t, c.QueryRow(t.Context(), query, args...).Scan(&v))
	return v
}

func events(t *testing.T, c *pgx.Conn) []string {
	t.Helper()
	rows, err := c.Query(t.Context(), "SELECT event || coalesce(' ' || version, '') || coalesce(' ' || statement, '') FROM kedge.history ORDER BY id")
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

func up(t *testing.T, db *pgtest.DB, set []*migrate.Migration, o Options) (*Report, error) {
	t.Helper()
	return Run(t.Context(), URL(db.URL()), set, migrate.Request{Direction: migrate.Up}, o)
}

func tables(n int) []*migrate.Migration {
	var set []*migrate.Migration
	for i := 1; i <= n; i++ {
		set = append(set, sql(fmt.Sprint(i), fmt.Sprintf("t%d", i), fmt.Sprintf("CREATE TABLE t%d (id int);\nCOMMENT ON TABLE t%d IS 'table %d';\n", i, i, i), fmt.Sprintf("DROP TABLE t%d;", i)))
	}
	return set
}

func TestUpAppliesInOrderAndRecords(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(40)
	report, err := up(t, db, set, Options{})
	require.NoError(t, err)
	require.Len(t, report.Steps, 40)
	require.Equal(t, migrate.Version("40"), report.To)
	require.Equal(t, StepApplied, report.Steps[39].State)
	require.Equal(t, 40, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	require.Equal(t, "applied 1", events(t, c)[0])
	require.Equal(t, 40, scalar[int](t, c, "SELECT count(*)::int FROM kedge.history WHERE event = 'applied' AND duration_ms > 0 AND checksum <> '' AND role = session_user AND down_script LIKE 'DROP TABLE t%'"))

	report, err = up(t, db, set, Options{})
	require.NoError(t, err)
	require.Empty(t, report.Steps)
	require.Equal(t, migrate.Version("40"), report.To)
}

func TestSyntaxErrorInSevenOfTwelve(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(12)
	set[6].Up = script("7.up.sql", "CREATE TABLE x (id int);\n-- é\nINSERT INTO x\n  SELEC 1;")
	report, err := up(t, db, set, Options{})
	var located *migrate.StatementError
	require.True(t, errors.As(err, &located), "%v", err)
	require.Equal(t, 4, located.Line)
	require.Equal(t, 3, located.Column)
	require.Equal(t, 2, located.Number)
	require.Equal(t, "42601", located.SQLSTATE)
	require.Equal(t, migrate.Version("6"), report.To)
	require.Equal(t, StepFailed, report.Steps[6].State)
	require.Equal(t, StepPending, report.Steps[7].State)
	require.Equal(t, 6, scalar[int](t, c, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"))
	require.Equal(t, []string{"applied 1", "applied 2", "applied 3", "applied 4", "applied 5", "applied 6", "failed 7 2"}, events(t, c))
}

func TestTwentyAtOnceEndAsOneRun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := db.Connect(t.Context())
	set := tables(30)
	var wg sync.WaitGroup
	var mu sync.Mutex
	worked := 0
	for range 20 {
		wg.Go(func() {
			report, err := Run(context.Background(), URL(db.URL()), set, migrate.Request{}, Options{})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if len(report.Steps) > 0 {
				worked++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, worked)
	require.Len(t, events(t, c), 30)
	require.Equal(t, 0, scalar[int](t, c, "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
}

var _ = strings.Contains

//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// inline makes a migration of a script.
func inline(version, text string) *migrate.Migration {
	return &migrate.Migration{Version: migrate.Version(version), Name: "m" + version, Kind: migrate.Versioned, Up: &migrate.Script{
		File: version + ".up.sql", Text: text, Size: int64(len(text)), Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(text))},
	}}
}

func upTo(t *testing.T, db *pgtest.DB, o apply.Options, set ...*migrate.Migration) (*apply.Report, error) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 2*time.Minute)
	defer done()
	return apply.Run(ctx, apply.URL(db.URL()), set, up, o)
}

func scalar(t *testing.T, c *pgx.Conn, query string, args ...any) string {
	t.Helper()
	var v string
	require.NoError(t, c.QueryRow(t.Context(), "SELECT coalesce(("+query+")::text, '')", args...).Scan(&v))
	return v
}

func execute(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	_, err := c.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

// eventually waits until a query says true.
func eventually(t *testing.T, c *pgx.Conn, condition string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for scalar(t, c, condition) != "true" {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", condition)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

const (
	kedgeWaits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'kedge %' AND wait_event_type = 'Lock' AND query LIKE '%CONCURRENTLY%'"
	stray      = "SELECT string_agg(relname, ' ') FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid OR relname ~ '_cc(new|old)'"
	fixture    = `CREATE TABLE t (id int, other int); INSERT INTO t SELECT g, g FROM generate_series(1, 100) g; CREATE INDEX t_other ON t (other);
CREATE TABLE p (at int) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); INSERT INTO p SELECT g FROM generate_series(0, 19) g`
)

// inTwo are statements that leave something half done when they end early, the evidence of that, and of their end.
var inTwo = []struct {
	name, statement, blocker, half, done string
}{
	{"create", "CREATE INDEX CONCURRENTLY t_id ON t (id)", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id')", "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id')"},
	{"create if not exists", "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id)", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id')", "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id')"},
	{"create unnamed", "CREATE INDEX CONCURRENTLY ON t (id)", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id_idx')", "SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_id_idx')) AND to_regclass('t_id_idx1') IS NULL"},
	{"drop", "DROP INDEX CONCURRENTLY t_other", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_other')", "SELECT to_regclass('t_other') IS NULL"},
	{"reindex", "REINDEX INDEX CONCURRENTLY t_other", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_other_ccnew')", "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_other')"},
	{"reindex table", "REINDEX TABLE CONCURRENTLY t", "INSERT INTO t VALUES (0)", "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_other_ccnew')", "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_other')"},
	{"detach", "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", "SELECT count(*) FROM p", "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'p1'::regclass", "SELECT NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'p1'::regclass)"},
}

// Every statement that works CONCURRENTLY is cancelled or its session killed half-way: a second run ends it, and leaves
// nothing behind.
func TestChaosConcurrentlyEndsEarly(t *testing.T) {
	t.Parallel()
	for i, s := range inTwo {
		for k, end := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
			if !full() && (i+k)%2 == 0 && s.name != "create" {
				continue
			}
			t.Run(s.name+" "+end, func(t *testing.T) {
				db := pgtest.New(t)
				if s.name == "detach" && db.Major() < 14 {
					t.Skip("DETACH PARTITION CONCURRENTLY is of PostgreSQL 14")
				}
				db.Exec(fixture)
				c, holder := db.Connect(t.Context()), db.Connect(t.Context())
				execute(t, holder, "BEGIN; "+s.blocker)
				set := []*migrate.Migration{inline("1", "CREATE TABLE a ();"), inline("2", s.statement+";\nCREATE TABLE b ();"), inline("3", "CREATE TABLE c ();")}
				ended := make(chan error, 1)
				go func() {
					_, err := apply.Run(context.Background(), apply.URL(db.URL()), set, up, apply.Options{ReconnectWait: 30 * time.Second})
					ended <- err
				}()
				eventually(t, c, kedgeWaits)
				eventually(t, c, s.half)
				execute(t, c, "SELECT "+end+"(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'kedge %' AND query LIKE '%CONCURRENTLY%'")
				require.Error(t, <-ended)
				require.Equal(t, "true", scalar(t, c, s.half), "half of it is done")
				require.Equal(t, "", scalar(t, c, "to_regclass('b')"))
				execute(t, holder, "ROLLBACK")
				report, err := upTo(t, db, apply.Options{}, set...)
				require.NoError(t, err)
				require.Equal(t, migrate.Version("3"), report.To)
				require.Equal(t, "true", scalar(t, c, s.done))
				require.Equal(t, "", scalar(t, c, stray))
				require.Equal(t, "b", scalar(t, c, "to_regclass('b')"))
				report, err = upTo(t, db, apply.Options{}, set...)
				require.NoError(t, err)
				require.Empty(t, report.Steps)
			})
		}
	}
}

// A unique index over duplicates fails each time until they are gone, and leaves no invalid index for IF NOT EXISTS to pass over.
func TestChaosConcurrentlyUniqueViolation(t *testing.T) {
	t.Parallel()
	for _, ifNotExists := range []string{"", "IF NOT EXISTS "} {
		db := pgtest.New(t)
		c := db.Connect(t.Context())
		db.Exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1)")
		set := []*migrate.Migration{inline("1", "CREATE UNIQUE INDEX CONCURRENTLY "+ifNotExists+"t_id ON t (id);")}
		for range 2 {
			_, err := upTo(t, db, apply.Options{}, set...)
			var pg *pgconn.PgError
			require.True(t, errors.As(err, &pg), "%v", err)
			require.Equal(t, "23505", pg.Code)
		}
		db.Exec("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
		_, err := upTo(t, db, apply.Options{}, set...)
		require.NoError(t, err)
		require.Equal(t, "", scalar(t, c, stray))
		require.Equal(t, "t_id", scalar(t, c, "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid"))
	}
}

// A deadlock ends the build; kedge drops what it left and builds again in the same run.
func TestChaosConcurrentlyDeadlock(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(fixture)
	c, other := db.Connect(t.Context()), db.Connect(t.Context())
	execute(t, other, "SET deadlock_timeout = '10min'; BEGIN; INSERT INTO t VALUES (0)")
	var retried int
	ended := make(chan error, 1)
	go func() {
		_, err := apply.Run(context.Background(), apply.URL(db.URL()), []*migrate.Migration{inline("1", "CREATE INDEX CONCURRENTLY t_id ON t (id);")}, up, apply.Options{
			Observer: func(p migrate.Progress) {
				if p.Kind == migrate.WaitingForLock {
					retried++
				}
			},
		})
		ended <- err
	}()
	eventually(t, c, kedgeWaits)
	execute(t, other, "LOCK TABLE t IN SHARE MODE; COMMIT") // waits for kedge, which waits for this transaction
	require.NoError(t, <-ended)
	require.Positive(t, retried)
	require.Equal(t, "", scalar(t, c, stray))
	require.Equal(t, "t_id", scalar(t, c, "to_regclass('t_id')"))
}

// A lock_timeout or statement_timeout that a script sets for its session does not end what it does CONCURRENTLY.
func TestChaosConcurrentlyUnderTheScriptsTimeout(t *testing.T) {
	t.Parallel()
	for _, parameter := range []string{"lock_timeout", "statement_timeout"} {
		db := pgtest.New(t)
		db.Exec(fixture)
		c, holder := db.Connect(t.Context()), db.Connect(t.Context())
		execute(t, holder, "BEGIN; INSERT INTO t VALUES (0)")
		ended := make(chan error, 1)
		go func() {
			_, err := apply.Run(context.Background(), apply.URL(db.URL()), []*migrate.Migration{
				inline("1", fmt.Sprintf("SET %s = '50ms';\nCREATE INDEX CONCURRENTLY t_id ON t (id);", parameter)),
			}, up, apply.Options{})
			ended <- err
		}()
		eventually(t, c, kedgeWaits)
		eventually(t, c, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'kedge %' AND query_start < clock_timestamp() - interval '300 milliseconds' AND wait_event_type = 'Lock'")
		execute(t, holder, "COMMIT")
		require.NoError(t, <-ended, parameter)
		require.Equal(t, "", scalar(t, c, stray))
	}
}

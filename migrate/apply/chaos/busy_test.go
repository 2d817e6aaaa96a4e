//go:build unix

package chaos

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

const (
	shortTimeout = 200 * time.Millisecond
	longBusiness = 5 * time.Second // of the load's long transactions
	patience     = 3 * time.Second // how long the load may wait for kedge: shortTimeout, and a slow machine
)

// load is what a busy application does to the tables a and b until it is stopped.
type busyLoad struct {
	statements, longest atomic.Int64 // longest: milliseconds that one waited for kedge
	stop                context.CancelFunc
	wait                sync.WaitGroup
}

func startLoad(t *testing.T, db *pgtest.DB) *busyLoad {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &busyLoad{stop: stop}
	connect := func() *pgx.Conn {
		c := db.Connect(t.Context())
		execute(t, c, "SET application_name = 'load'")
		return c
	}
	for _, sql := range []string{
		"INSERT INTO a (b_id) SELECT id FROM b LIMIT 1", "SELECT count(*) FROM a JOIN b ON b.id = b_id", "UPDATE b SET n = n + 1 WHERE id = 2",
	} {
		c := connect()
		l.wait.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Exec(ctx, sql); err == nil {
					l.statements.Add(1)
				}
			}
		})
	}
	long := connect()
	l.wait.Go(func() {
		for ctx.Err() == nil {
			_, _ = long.Exec(ctx, "BEGIN; SELECT count(*) FROM a; UPDATE b SET n = n + 1 WHERE id = 1", pgx.QueryExecModeSimpleProtocol)
			select {
			case <-ctx.Done():
			case <-time.After(longBusiness):
			}
			_, _ = long.Exec(ctx, "COMMIT")
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	})
	watch := db.Connect(t.Context())
	l.wait.Go(func() {
		for ctx.Err() == nil {
			var ms int64
			if err := watch.QueryRow(ctx, `SELECT coalesce(max(EXTRACT(epoch FROM clock_timestamp() - w.query_start) * 1000)::bigint, 0)
FROM pg_stat_activity w WHERE w.application_name = 'load' AND w.wait_event_type = 'Lock' AND w.datname = current_database()
AND EXISTS (SELECT FROM pg_stat_activity k WHERE k.pid = ANY (pg_blocking_pids(w.pid)) AND k.application_name LIKE 'kedge %')`).Scan(&ms); err == nil && ms > l.longest.Load() {
				l.longest.Store(ms)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return l
}

func (l *busyLoad) end() {
	l.stop()
	l.wait.Wait()
}

const busyFixture = `CREATE TABLE b (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO b SELECT generate_series(1, 20);
CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY, b_id int NOT NULL)`

// A busy database: migrations get through between long transactions, and no statement of the application waits for kedge
// much longer than lock_timeout.
func TestChaosBusyDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(busyFixture)
	l := startLoad(t, db)
	var retried, named atomic.Int64
	set := []*migrate.Migration{
		inline("1", "ALTER TABLE a ADD COLUMN note text;\n"),
		inline("2", "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b (id) NOT VALID;\n"),
		inline("3", "CREATE INDEX CONCURRENTLY a_b_id ON a (b_id);\n"),
		inline("4", "CREATE TABLE c (a bigint, b int REFERENCES b);\nDROP TABLE c;\nALTER TABLE b ADD COLUMN more int, ALTER COLUMN n SET DEFAULT 1;\n"),
	}
	report, err := upTo(t, db, apply.Options{
		LockTimeout: shortTimeout, RetryCeiling: 300 * time.Millisecond,
		Observer: func(p migrate.Progress) {
			if p.Kind == migrate.WaitingForLock {
				retried.Add(1)
				for _, b := range p.Blockers {
					if b.Application == "load" {
						named.Add(1)
					}
				}
			}
		},
	}, set...)
	require.NoError(t, err)
	require.Equal(t, migrate.Version("4"), report.To)
	l.end()
	require.Positive(t, retried.Load())
	require.Positive(t, named.Load(), "who blocks is said")
	require.Positive(t, l.statements.Load())
	t.Logf("%d statements of the load; the longest that one waited for kedge: %dms; %d retries", l.statements.Load(), l.longest.Load(), retried.Load())
	require.Less(t, time.Duration(l.longest.Load())*time.Millisecond, patience)
}

// A foreign key's two locks: while the second is not to be had, the first is not kept for longer than one lock_timeout in all.
func TestChaosForeignKeyLocks(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"alter":    "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b;\n",
		"after":    "CREATE TABLE x ();\nALTER TABLE a ADD COLUMN other int REFERENCES b (id);\n",
		"stepwise": "VACUUM a;\nALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b;\n",
	} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.New(t)
			db.Exec(busyFixture)
			c, holder := db.Connect(t.Context()), db.Connect(t.Context())
			execute(t, holder, "BEGIN; UPDATE b SET n = 1 WHERE id = 1")
			ended := make(chan error, 1)
			go func() {
				_, err := apply.Run(context.Background(), apply.URL(db.URL()), []*migrate.Migration{inline("1", script)}, up, apply.Options{LockTimeout: time.Minute, LockRetry: -1})
				ended <- err
			}()
			// Both are waited for by one statement that comes before the script's, half the timeout each.
			eventually(t, c, `SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity s USING (pid) WHERE NOT granted AND relation = 'b'::regclass AND mode = 'ShareRowExclusiveLock'
AND query LIKE '%SET LOCAL lock_timeout = 30000;%' AND query NOT LIKE '%ADD %'
AND EXISTS (SELECT FROM pg_locks g WHERE g.pid = l.pid AND g.granted AND g.relation = 'a'::regclass)`)
			execute(t, holder, "ROLLBACK")
			require.NoError(t, <-ended)
			require.Equal(t, "1", scalar(t, c, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'a'::regclass"))
		})
	}
	t.Run("gives up", func(t *testing.T) {
		db := pgtest.New(t)
		db.Exec(busyFixture)
		holder := db.Connect(t.Context())
		execute(t, holder, "BEGIN; UPDATE b SET n = 1 WHERE id = 1")
		_, err := upTo(t, db, apply.Options{LockTimeout: 100 * time.Millisecond, LockRetry: 200 * time.Millisecond},
			inline("1", "CREATE TABLE x ();\n\nALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b;\n"))
		require.ErrorIs(t, err, apply.ErrLockRetries)
		var located *migrate.StatementError
		require.ErrorAs(t, err, &located)
		require.Equal(t, []int{3, 2}, []int{located.Line, located.Number})
	})
	t.Run("a role that may not lock", func(t *testing.T) {
		db := pgtest.New(t)
		db.Exec(busyFixture)
		role := db.Role("adds")
		db.Exec("ALTER TABLE a OWNER TO " + role + "; GRANT REFERENCES ON b TO " + role + "; CREATE SCHEMA kedge AUTHORIZATION " + role + "; GRANT USAGE, CREATE ON SCHEMA public TO " + role)
		_, err := upTo(t, db, apply.Options{Role: role}, inline("1", "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b NOT VALID;\n"))
		require.NoError(t, err)
	})
}

// When a lock is not to be had in time, kedge ends with code 4, names who has it, and has changed nothing.
func TestChaosGivesUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(busyFixture)
	c, holder := db.Connect(t.Context()), db.Connect(t.Context())
	execute(t, holder, "SET application_name = 'nightly report'; BEGIN; SELECT count(*) FROM a")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kedge.yaml":                "migrations: migrations\nenvironments: environments\ndefault_environment: busy\n",
		"environments/busy.yaml":    "url: ${BUSY}\nlock_timeout: 200ms\nlock_retry: 1s\n",
		"migrations/1_alter.up.sql": "CREATE TABLE new ();\nALTER TABLE a ADD COLUMN note text;\n",
	} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	code, _, errs := runKedge(t, []string{"BUSY=" + db.URL()}, "up", "--project", dir)
	require.Equal(t, 4, code, errs)
	require.Contains(t, errs, "nightly report")
	require.Equal(t, "", scalar(t, c, "to_regclass('new')"))
	execute(t, holder, "ROLLBACK")
	code, _, errs = runKedge(t, []string{"BUSY=" + db.URL()}, "up", "--project", dir)
	require.Zero(t, code, errs)
}

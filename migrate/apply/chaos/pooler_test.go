//go:build unix

package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate/apply"
)

// pooler starts a PgBouncer in front of the arena's server, and returns its socket.
func (a *arena) pooler(t *testing.T, mode string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			t.Skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
		}
	}
	dir, err := os.MkdirTemp("", "chaos-pooler")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	owner := int(a.owner())
	require.NoError(t, os.Chown(dir, owner, -1))
	config := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[databases]
* = host=%s port=5432 user=%s
[pgbouncer]
pool_mode = %s
listen_addr =
unix_socket_dir = %s
listen_port = 5432
auth_type = any
default_pool_size = 20
max_client_conn = 300
server_idle_timeout = 2
query_wait_timeout = 60
`, filepath.Dir(a.socket), a.user, mode, dir), 0o644))
	cmd := exec.Command(program, config)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(owner), Gid: uint32(owner)}}
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
	})
	socket := filepath.Join(dir, ".s.PGSQL.5432")
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(context.Background(), a.through(dir, "postgres")+"&default_query_exec_mode=simple_protocol")
		if err != nil {
			return false
		}
		return conn.Close(context.Background()) == nil
	}, 30*time.Second, 20*time.Millisecond, "PgBouncer does not start: %s", contents(log.Name()))
	return socket
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// contents are a file's, when they are printed.
type contents string

func (c contents) String() string {
	text, _ := os.ReadFile(string(c))
	return string(text)
}

func TestChaosPgBouncer(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	want, _ := a.undisturbedOutcome()
	for _, mode := range []string{"session", "transaction"} {
		t.Run(mode, func(t *testing.T) {
			a.sharesSessions = true
			folder := filepath.Dir(a.pooler(t, mode))
			database := a.clone("")
			var wg sync.WaitGroup
			steps := make(chan int, 10)
			for range cap(steps) {
				wg.Go(func() {
					report, err := a.run(a.through(folder, database), up, apply.Options{})
					if err != nil {
						t.Errorf("through PgBouncer: %v", err)
						return
					}
					steps <- len(report.Steps)
				})
			}
			wg.Wait()
			close(steps)
			worked := 0
			for n := range steps {
				if n > 0 {
					worked++
				}
			}
			require.Equal(t, 1, worked)
			var c tally
			require.NoError(t, a.check(database, want, &c))
		})
	}
	t.Run("statement", func(t *testing.T) {
		folder := filepath.Dir(a.pooler(t, "statement"))
		database := a.clone("")
		_, err := a.run(a.through(folder, database), up, apply.Options{})
		require.ErrorIs(t, err, apply.ErrStatementPooling)
		require.ErrorContains(t, err, "set pool_mode")
		left, err := a.scalar(database, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
		require.NoError(t, err)
		require.Equal(t, "0", left)
	})
	t.Run("who holds the lock", func(t *testing.T) {
		a.held(t, filepath.Dir(a.pooler(t, "transaction")))
	})
}

// held runs kedge through a pooler while a run straight to the server holds the lock, and the other way round.
func (a *arena) held(t *testing.T, folder string) {
	database := a.clone("")
	straight, err := pgx.Connect(t.Context(), a.url(database))
	require.NoError(t, err)
	defer straight.Close(context.Background())
	_, err = straight.Exec(t.Context(), fmt.Sprintf("SELECT pg_advisory_lock(%d)", apply.Table{}.Key()))
	require.NoError(t, err)
	_, err = a.run(a.through(folder, database), up, apply.Options{RunWait: -1})
	require.ErrorIs(t, err, apply.ErrLocked)
	require.ErrorContains(t, err, fmt.Sprintf("pid %d", straight.PgConn().PID()))
}

// The matrix's faults between kedge and PgBouncer in transaction mode, where the lock is on a connection of its own.
func TestChaosMatrixPgBouncer(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.sharesSessions = true
	a.socket = a.pooler(t, "transaction")
	s := &scene{name: "up through PgBouncer", request: up, sample: 250}
	a.undisturbed(s)
	a.matrix(t, s)
}

//go:build unix

package chaos

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// standby is a streaming copy of a server.
type standby struct {
	socket string // folder
	user   string
}

func (s *standby) url(database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=5432&user=%s", database, url.QueryEscape(s.socket), s.user)
}

// startStandby copies a server and starts the copy.
func startStandby(t *testing.T, primary *pgtest.PrivateServer, name string) *standby {
	t.Helper()
	config, err := primary.Config("postgres")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "chaos-standby")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	info, err := os.Stat(SocketFile(config.Host))
	require.NoError(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	require.NoError(t, os.Chown(dir, int(owner.Uid), int(owner.Gid)))
	command := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(pgtest.RequireProgram(t, primary.Binaries(), program), args...)
		cmd.Dir = dir
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
		}
		return cmd
	}
	data := filepath.Join(dir, "data")
	out, err := command("pg_basebackup", "-h", config.Host, "-p", "5432", "-U", config.User, "-D", data, "-c", "fast").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Chown(data, int(owner.Uid), int(owner.Gid)))
	signal := filepath.Join(data, "standby.signal")
	require.NoError(t, os.WriteFile(signal, nil, 0o600))
	require.NoError(t, os.Chown(signal, int(owner.Uid), int(owner.Gid)))
	conninfo := fmt.Sprintf("host=%s port=5432 user=%s application_name=%s", config.Host, config.User, name)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	server := command("postgres", "-D", data, "-c", "unix_socket_directories="+dir, "-c", "listen_addresses=", "-c", "port=5432",
		"-c", "primary_conninfo="+conninfo, "-c", "hot_standby=on", "-c", "wal_receiver_status_interval=1s")
	server.Stdout, server.Stderr = log, log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // it may have ended by itself
		_ = server.Wait()
	})
	s := &standby{socket: dir, user: config.User}
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(context.Background(), s.url("postgres"))
		return err == nil && conn.Close(context.Background()) == nil
	}, time.Minute, 50*time.Millisecond, "the standby does not start: %s", contents(log.Name()))
	return s
}

func connectTo(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // its server may be gone
	return conn
}

// With throttle.replication_lag a run waits for a standby that lags, and goes on when it has caught up. Each run leaves a restore point.
func TestChaosReplicationLag(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: map[string]string{"wal_level": "replica", "max_wal_senders": "5"}})
	database := s.Create("lagging")
	b := startStandby(t, s, "copy")
	primary, replica := s.Connect(t.Context(), "lagging"), connectTo(t, b.url("postgres"))
	eventually(t, primary, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
	execute(t, replica, "SELECT pg_wal_replay_pause()")
	execute(t, primary, "CREATE TABLE before ()")
	eventually(t, primary, "SELECT coalesce(max(replay_lag) > interval '300 milliseconds', false) FROM pg_stat_replication")

	var waited atomic.Int64
	set := []*migrate.Migration{inline("1", "CREATE TABLE a ();"), inline("2", "CREATE INDEX CONCURRENTLY ON a ((1));"), inline("3", "CREATE TABLE c ();")}
	ended := make(chan error, 1)
	go func() {
		_, err := apply.Run(context.Background(), apply.URL(database), set, up, apply.Options{
			Throttle: apply.Throttle{ReplicationLag: 200 * time.Millisecond},
			Observer: func(p migrate.Progress) {
				if p.Kind == migrate.WaitingForLag {
					waited.Add(1)
				}
			},
		})
		ended <- err
	}()
	require.Eventually(t, func() bool { return waited.Load() >= 2 }, time.Minute, 10*time.Millisecond)
	require.Equal(t, "", scalar(t, primary, "to_regclass('a')"), "nothing is begun while the standby lags")
	execute(t, replica, "SELECT pg_wal_replay_resume()")
	require.NoError(t, <-ended)
	require.Equal(t, "c", scalar(t, primary, "to_regclass('c')"))
	log, err := s.Log()
	require.NoError(t, err)
	require.Contains(t, log, `restore point "kedge 3" created`)
}

// A standby is refused. Then the primary ends at once in the middle of a run, the standby is promoted, and the run, which
// knows both by target_session_attrs, finds out there what became of it.
func TestChaosPromotion(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: map[string]string{"wal_level": "replica", "max_wal_senders": "5"}})
	database := s.Create("moving")
	b := startStandby(t, s, "copy")
	primary := s.Connect(t.Context(), "moving")
	eventually(t, primary, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
	execute(t, primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	execute(t, primary, "ALTER SYSTEM SET synchronous_commit = 'on'")
	execute(t, primary, "SELECT pg_reload_conf()")
	eventually(t, primary, "SELECT sync_state = 'sync' FROM pg_stat_replication")

	first := []*migrate.Migration{inline("1", "CREATE TABLE a (id int);")}
	_, err := apply.Run(t.Context(), apply.URL(database), first, up, apply.Options{})
	require.NoError(t, err)
	replica := connectTo(t, b.url("moving"))
	eventually(t, replica, "SELECT to_regclass('a') IS NOT NULL")
	set := append(first, inline("2", "CREATE TABLE b (id int);"), inline("3", "SELECT pg_sleep(600) FROM a;\nCREATE TABLE c (id int);"), inline("4", "CREATE INDEX CONCURRENTLY a_id ON a (id);"))
	_, err = apply.Run(t.Context(), apply.URL(b.url("moving")), set, up, apply.Options{})
	require.ErrorIs(t, err, apply.ErrReadOnly)
	require.ErrorContains(t, err, "connect to the primary")
	pending := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(pending, "1_m1.up.sql"), []byte("CREATE TABLE a (id int);"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(pending, "2_m2.up.sql"), []byte("CREATE TABLE b (id int);"), 0o644))
	code, _, errs := runKedge(t, nil, "up", "--url", b.url("moving"), "--source", pending)
	require.Equal(t, 1, code, errs)
	require.Contains(t, errs, "read-only")

	execute(t, primary, "INSERT INTO a VALUES (1)") // now migration 3 sleeps
	config, err := s.Config("moving")
	require.NoError(t, err)
	both := fmt.Sprintf("postgres:///moving?host=%s,%s&port=5432,5432&user=%s&target_session_attrs=read-write", url.QueryEscape(config.Host), url.QueryEscape(b.socket), config.User)
	ended := make(chan error, 1)
	var report *apply.Report
	go func() {
		var err error
		report, err = apply.Run(context.Background(), apply.URL(both), set, up, apply.Options{ReconnectWait: time.Minute})
		ended <- err
	}()
	eventually(t, primary, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
	eventually(t, replica, "SELECT to_regclass('b') IS NOT NULL")
	require.NoError(t, s.Stop(environments.StopImmediate))
	execute(t, replica, "SELECT pg_promote()")
	err = <-ended
	require.ErrorContains(t, err, "nothing of it took effect")
	require.Equal(t, migrate.Version("2"), report.To)
	execute(t, replica, "DELETE FROM a")
	report, err = apply.Run(t.Context(), apply.URL(both), set, up, apply.Options{})
	require.NoError(t, err)
	require.Equal(t, migrate.Version("4"), report.To)
	entries, err := apply.History(t.Context(), apply.URL(both), apply.Options{})
	require.NoError(t, err)
	require.NoError(t, sequence(entries))
	require.Equal(t, "", scalar(t, replica, stray))
}

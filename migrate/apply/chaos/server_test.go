//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// undisturbedOutcome is that of an up from nothing, and how long it takes.
func (a *arena) undisturbedOutcome() (outcome, time.Duration) {
	database := a.clone("")
	start := time.Now()
	_, err := a.up(database)
	require.NoError(a.t, err)
	took := time.Since(start)
	want, err := a.look(database)
	require.NoError(a.t, err)
	return want, took
}

// pg_terminate_backend on every session of a run, at any moment.
func TestChaosTerminate(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	want, whole := a.undisturbedOutcome()
	random := dice(t)
	var c tally
	defer c.done()
	for range count(6, 150) {
		database := a.clone("")
		moment := time.Duration(random.Int64N(int64(whole)))
		ended := make(chan error, 1)
		go func() {
			_, err := a.up(database)
			ended <- err
		}()
		time.Sleep(moment)
		terminated, err := a.scalar("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '"+database+"'")
		require.NoError(t, err)
		c.add(&c.tried)
		if terminated == "0" {
			c.add(&c.unfired)
		}
		if first := <-ended; first == nil {
			c.add(&c.survived)
		}
		require.NoError(t, a.mend(database, up, &c), "terminated after %s", moment)
		require.NoError(t, a.check(database, want, &c), "terminated after %s", moment)
	}
	t.Logf("pg_terminate_backend: %s", &c)
}

// The server stops at once, or its main process is killed, in the middle of several runs, and comes back.
func TestChaosServerCrash(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.server.Restart(environments.StopFast, map[string]string{"synchronous_commit": "on"})
	a.reconnect()
	want, whole := a.undisturbedOutcome()
	random := dice(t)
	var c tally
	defer c.done()
	for range count(1, 30) {
		const together = 3
		databases := make([]string, together)
		var wg sync.WaitGroup
		for i := range databases {
			databases[i] = a.clone("")
			wg.Go(func() {
				if _, err := a.run(a.url(databases[i]), up, apply.Options{ReconnectWait: time.Minute}); err == nil {
					c.add(&c.survived)
				}
			})
		}
		time.Sleep(time.Duration(random.Int64N(int64(whole) * 2)))
		if random.IntN(2) == 0 {
			require.NoError(t, a.server.Stop(environments.StopImmediate))
		} else {
			require.NoError(t, a.server.Kill())
		}
		require.NoError(t, a.server.Start(context.Background(), nil))
		a.reconnect()
		wg.Wait()
		for _, database := range databases {
			c.add(&c.tried)
			require.NoError(t, a.mend(database, up, &c))
			require.NoError(t, a.check(database, want, &c))
		}
	}
	t.Logf("server crashes: %s", &c)
}

func (a *arena) reconnect() {
	a.mu.Lock()
	defer a.mu.Unlock()
	conn, err := pgx.Connect(context.Background(), a.url("postgres"))
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it may have been cut
	a.admin = conn
}

// smallDisk mounts a file system of a few megabytes, or skips the test with the reason.
func smallDisk(t *testing.T, megabytes int, owner uint32) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chaos-disk")
	require.NoError(t, err)
	if err := mount(dir, fmt.Sprintf("size=%dm,uid=%d,mode=0700", megabytes, owner)); err != nil {
		_ = os.Remove(dir)
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	require.NoError(t, os.Chmod(dir, 0o700))
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Errorf("unmounting: %v", err)
		}
		_ = os.Remove(dir)
	})
	return dir
}

func (a *arena) owner() uint32 {
	info, err := os.Stat(a.socket)
	require.NoError(a.t, err)
	return info.Sys().(*syscall.Stat_t).Uid
}

// The disk is full: nothing of the migration is left, and when there is room again the next run does it.
func TestChaosDiskFull(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	disk := smallDisk(t, 24, a.owner())
	space := filepath.Join(disk, "space")
	require.NoError(t, os.Mkdir(space, 0o700))
	require.NoError(t, os.Chown(space, int(a.owner()), -1))
	require.NoError(t, a.sql("CREATE TABLESPACE small LOCATION '%s'", space))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1_t.up.sql":    "CREATE TABLE t (id int, pad text);\nINSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 30000) g;",
		"2_fill.up.sql": "CREATE TABLE full_up AS SELECT * FROM t;\nINSERT INTO full_up SELECT a.* FROM t a, generate_series(1, 10);",
		"3_i.up.sql":    "CREATE INDEX CONCURRENTLY t_pad ON t ((pad || id));\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	a.set = load(t, dir)
	require.NoError(t, a.sql("CREATE DATABASE cramped TEMPLATE template0 TABLESPACE small"))
	report, err := a.up("cramped")
	var pg *pgconn.PgError
	require.True(t, errors.As(err, &pg), "%v", err)
	require.Equal(t, "53100", pg.Code)
	require.Equal(t, migrate.Version("1"), report.To)
	left, err := a.scalar("cramped", "SELECT to_regclass('full_up') IS NULL AND count(*) = 30000 FROM t")
	require.NoError(t, err)
	require.Equal(t, "true", left)
	a.set = append(a.set[:1:1], a.set[2])
	_, err = a.up("cramped") // the index does not fit, either
	if err != nil {
		require.True(t, errors.As(err, &pg), "%v", err)
		require.Equal(t, "53100", pg.Code)
	}
	require.NoError(t, mount(disk, "remount,size=256m"))
	a.set = load(t, dir)
	_, err = a.run(a.url("cramped"), migrate.Request{Direction: migrate.Up, Allow: migrate.Allowances{OutOfOrder: true}}, apply.Options{})
	require.NoError(t, err)
	left, err = a.scalar("cramped", "SELECT (SELECT count(*) FROM full_up) || ' ' || (SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ',') FROM pg_index WHERE indrelid = 't'::regclass)")
	require.NoError(t, err)
	require.Equal(t, "330000 t_pad true", left)
	require.NoError(t, a.sql("DROP DATABASE cramped"))
	require.NoError(t, a.sql("DROP TABLESPACE small"))
}

// The disk of the write-ahead log is full, which ends the server.
func TestChaosLogDiskFull(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	disk := smallDisk(t, 80, a.owner())
	require.NoError(t, os.Chown(disk, int(a.owner()), -1))
	data, err := a.scalar("postgres", "SELECT current_setting('data_directory')")
	require.NoError(t, err)
	want, _ := a.undisturbedOutcome()
	require.NoError(t, a.server.Stop(environments.StopFast))
	log := filepath.Join(data, "pg_wal")
	out, err := exec.Command("cp", "-a", log+"/.", disk).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.RemoveAll(log))
	require.NoError(t, os.Symlink(disk, log))
	require.NoError(t, a.server.Start(context.Background(), nil))
	a.reconnect()
	database := a.clone("")
	full := append(a.set[:2:2], &migrate.Migration{Version: "2.5", Name: "fill", Kind: migrate.Versioned, Up: &migrate.Script{
		File: "2.5_fill.sql", Text: "CREATE TABLE filler AS SELECT g, repeat('x', 1000) FROM generate_series(1, 200000) g",
	}})
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	report, err := apply.Run(ctx, apply.URL(a.url(database)), full, up, apply.Options{ReconnectWait: 200 * time.Millisecond})
	require.Error(t, err)
	require.NotEqual(t, migrate.Version("2.5"), report.To)
	require.NoError(t, mount(disk, "remount,size=1g"))
	_ = a.server.Stop(environments.StopImmediate) // the server has ended by itself, or is about to
	require.NoError(t, a.server.Start(context.Background(), nil))
	a.reconnect()
	var c tally
	defer c.done()
	require.NoError(t, a.mend(database, up, &c))
	require.NoError(t, a.check(database, want, &c))
	require.NoError(t, a.server.Stop(environments.StopImmediate)) // before the disk goes
}

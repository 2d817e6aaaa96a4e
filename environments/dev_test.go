package environments

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// How long a test waits for what comes by itself, and how often it looks.
const (
	wait = time.Minute
	tick = 5 * time.Millisecond
)

// passable is a folder below the temporary one that the user that root's servers run as can reach: those of t.TempDir
// are below one that only this user can enter.
func passable(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kedge-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func devServer(t testing.TB, opt DevOptions) *DevServer {
	t.Helper()
	if opt.Project == "" {
		opt.Project = t.TempDir()
	}
	dev, err := Dev(opt)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, dev.Reset(context.Background()))
		require.NoError(t, os.RemoveAll(dev.home))
	})
	return dev
}

func TestDevServerLasts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	opt := DevOptions{Project: t.TempDir()}
	dev := devServer(t, opt)
	status, err := dev.Status(ctx)
	require.NoError(t, err)
	require.False(t, status.Exists)
	_, err = dev.URL(ctx, "shop")
	require.ErrorContains(t, err, "not running")
	require.NoError(t, dev.Stop(ctx), "stopping what does not run")

	cfg, err := dev.Open(ctx, "shop")
	require.NoError(t, err)
	conn := connect(t, cfg)
	_, err = conn.Exec(ctx, "CREATE TABLE kept AS SELECT 42 AS n")
	require.NoError(t, err)
	var fsync string
	require.NoError(t, conn.QueryRow(ctx, "SHOW fsync").Scan(&fsync))
	require.Equal(t, "on", fsync)

	// Another process's view of the same server.
	other, err := Dev(opt)
	require.NoError(t, err)
	status, err = other.Status(ctx)
	require.NoError(t, err)
	require.True(t, status.Running)
	require.True(t, status.Exists)
	require.NotZero(t, status.PID)
	require.Greater(t, status.Bytes, int64(1<<20))
	require.False(t, status.Started.IsZero())
	url, err := other.URL(ctx, "shop")
	require.NoError(t, err)
	require.Contains(t, url, "/shop")

	// As after a crash of the machine: every process is gone at once, and what they wrote about themselves is there.
	process, err := os.FindProcess(status.PID)
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	require.Eventually(t, func() bool { status, err := dev.Status(ctx); return err == nil && !status.Running }, wait, tick)
	require.NoError(t, os.WriteFile(filepath.Join(status.Data, "postmaster.pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644))

	cfg, err = dev.Open(ctx, "shop")
	require.NoError(t, err)
	var n int
	require.NoError(t, connect(t, cfg).QueryRow(ctx, "SELECT n FROM kept").Scan(&n))
	require.Equal(t, 42, n)

	require.NoError(t, dev.Stop(ctx))
	status, err = dev.Status(ctx)
	require.NoError(t, err)
	require.False(t, status.Running)
	require.True(t, status.Exists)

	require.NoError(t, dev.Reset(ctx))
	status, err = dev.Status(ctx)
	require.NoError(t, err)
	require.False(t, status.Exists)
}

func TestDevServerStartsOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	opt := DevOptions{Project: t.TempDir(), Settings: map[string]string{"work_mem": "5MB"}}
	devServer(t, opt)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			dev, err := Dev(opt)
			require.NoError(t, err)
			cfg, err := dev.Open(t.Context(), "same")
			require.NoError(t, err)
			var mem string
			require.NoError(t, connect(t, cfg).QueryRow(t.Context(), "SHOW work_mem").Scan(&mem))
			require.Equal(t, "5MB", mem)
		})
	}
	wg.Wait()
}

func TestDevServerSaysWhenItsDataIsOfAnotherVersion(t *testing.T) {
	t.Parallel()
	opt := DevOptions{Project: t.TempDir()}
	dev := devServer(t, opt)
	require.NoError(t, dev.Start(t.Context()))
	require.NoError(t, dev.Stop(t.Context()))
	opt.Major = 99
	other, err := Dev(opt)
	require.NoError(t, err)
	require.ErrorIs(t, other.Start(t.Context()), ErrDevVersion)
}

func TestDevServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dev := devServer(t, DevOptions{Settings: map[string]string{"shared_buffers": "plenty"}})
	err := dev.Start(t.Context())
	var exited *ServerExitedError
	require.ErrorAs(t, err, &exited)
	require.Contains(t, exited.Log, "shared_buffers")
	status, err := dev.Status(t.Context())
	require.NoError(t, err)
	require.False(t, status.Running)
}

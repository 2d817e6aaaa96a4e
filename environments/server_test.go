package environments

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func startTestServer(t *testing.T, opt ServerOptions) *Server {
	t.Helper()
	s, err := StartServer(t.Context(), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func show(t *testing.T, url, setting string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var value string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&value))
	return value
}

func TestLoopbackServerAsksForItsPassword(t *testing.T) {
	t.Parallel()
	s := startTestServer(t, ServerOptions{Listen: ListenLoopback, Settings: map[string]string{"application_name": `o'dd \ name`}})
	require.Equal(t, `o'dd \ name`, show(t, s.LoopbackURL("postgres"), "application_name"))
	cfg, err := pgx.ParseConfig(s.LoopbackURL("postgres"))
	require.NoError(t, err)
	cfg.Password = "guess"
	_, err = Connect(t.Context(), cfg)
	var failure *ConnectError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, FailedPassword, failure.Failure)
	require.Empty(t, startTestServer(t, ServerOptions{}).LoopbackURL("postgres"))
}

func TestServerLooksForAnotherPortWhenItsIsTaken(t *testing.T) {
	t.Parallel()
	s := startTestServer(t, ServerOptions{Listen: ListenLoopback})
	require.NoError(t, s.Stop(StopFast))
	before := s.post.port
	taken, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(before))
	require.NoError(t, err)
	defer taken.Close()
	require.NoError(t, s.Start(t.Context(), nil))
	require.NotEqual(t, before, s.post.port)
	require.Equal(t, "off", show(t, s.LoopbackURL("postgres"), "fsync"))
}

func TestServerIsKilledAndRecovers(t *testing.T) {
	t.Parallel()
	s := startTestServer(t, ServerOptions{})
	require.NoError(t, s.Kill())
	require.NoError(t, s.Stop(StopFast), "stopping what has ended")
	require.NoError(t, s.Start(t.Context(), map[string]string{"work_mem": "7MB"}))
	require.Equal(t, "7MB", show(t, s.URL("postgres"), "work_mem"))
	log, err := s.Log()
	require.NoError(t, err)
	require.Contains(t, log, "automatic recovery in progress")
}

func TestServerThatCannotStart(t *testing.T) {
	t.Parallel()
	_, err := StartServer(t.Context(), ServerOptions{Settings: map[string]string{"no_such_setting": "x"}})
	var exited *ServerExitedError
	require.ErrorAs(t, err, &exited)
	require.Contains(t, err.Error(), "no_such_setting")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = StartServer(ctx, ServerOptions{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = OpenShadow(t.Context(), ShadowOptions{Settings: map[string]string{"no_such_setting": "x"}})
	require.ErrorContains(t, err, "opening a shadow")
	_, err = OpenShadow(t.Context(), ShadowOptions{Dir: t.TempDir()})
	require.ErrorIs(t, err, ErrNoBinaries)
}

func TestFilesOfAServer(t *testing.T) {
	t.Parallel()
	s := startTestServer(t, ServerOptions{})
	path, err := s.WriteFile("hello.txt", "hello")
	require.NoError(t, err)
	require.Equal(t, "hello.txt", filepath.Base(path))
	for _, name := range []string{"../hello.txt", "a/b", ".hidden", ""} {
		_, err := s.WriteFile(name, "")
		require.ErrorContains(t, err, "not a plain file name")
	}
}

func TestAnUnfinishedTemplateIsMadeAgain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs shell scripts")
	}
	found, err := FindBinaries(t.Context(), FindOptions{})
	require.NoError(t, err)
	who, err := serverAccount(t.Context(), found)
	require.NoError(t, err)

	// initdb fails after it has written something: the next locale is tried, and in the end each reason is told.
	dir := passable(t)
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "initdb"), []byte("#!/bin/sh\ntouch \"$2/left\" || exit 2\necho \"no locale today\"; exit 1\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "postgres"), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n"), 0o755))
	broken := Binaries{Dir: bin, Major: 17, Version: "17.1"}
	cache := filepath.Join(dir, "cache")
	_, err = templateFolder(t.Context(), broken, who, shapeFull, cache)
	require.ErrorContains(t, err, "builtin-locale=C.UTF-8: exit status 1: no locale today")
	require.ErrorContains(t, err, "initdb --locale=C: exit status 1")
	left, err := os.ReadDir(filepath.Join(cache, "templates"))
	require.NoError(t, err)
	require.Len(t, left, 1, "the lock")

	// What a killed process left does not stand in the way.
	made, err := templateFolder(t.Context(), found, who, shapeSlim, cache)
	require.NoError(t, err)
	require.NoError(t, os.Rename(made, made+".making"))
	again, err := templateFolder(t.Context(), found, who, shapeSlim, cache)
	require.NoError(t, err)
	require.Equal(t, made, again)
	require.NoDirExists(t, made+".making")
}

func TestCacheFolder(t *testing.T) {
	t.Setenv("KEDGE_CACHE", "/somewhere")
	require.Equal(t, "/somewhere", DefaultCache())
	t.Setenv("KEDGE_CACHE", "")
	require.Equal(t, "kedge", filepath.Base(DefaultCache()))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := makeCache(file, "below")
	require.ErrorContains(t, err, "making kedge's cache folder")
	_, err = Dev(DevOptions{Cache: file})
	require.Error(t, err)
	_, err = Install(t.Context(), InstallOptions{Cache: file})
	require.Error(t, err)
	_, err = StartServer(t.Context(), ServerOptions{Cache: file})
	require.Error(t, err)
}

func TestDamagedNotesOfADevServerAreNamed(t *testing.T) {
	t.Parallel()
	dev := devServer(t, DevOptions{})
	require.NoError(t, dev.Start(t.Context()))
	require.NoError(t, os.WriteFile(dev.stateFile(), []byte("{"), 0o600))
	_, err := dev.URL(t.Context(), "x")
	require.ErrorContains(t, err, dev.stateFile())
	_, err = dev.Status(t.Context())
	require.ErrorContains(t, err, dev.stateFile())
	b, err := FindBinaries(t.Context(), FindOptions{})
	require.NoError(t, err)
	require.NoError(t, dev.writeState(devState{Binaries: b, Port: socketPort}))
	require.NoError(t, dev.Stop(t.Context()))
	require.NoError(t, os.WriteFile(filepath.Join(dev.data(), "PG_VERSION"), []byte("what"), 0o600))
	require.ErrorContains(t, dev.Start(t.Context()), "reading the data folder's version")
	_, err = dev.Status(t.Context())
	require.ErrorContains(t, err, "reading the data folder's version")
}

func TestPidFiles(t *testing.T) {
	t.Parallel()
	for content, message := range map[string]string{
		"what\n":                        "invalid syntax",
		"1\n/d\nx\n5432\n/s\n\n\nready": "invalid syntax",
		"1\n/d\n1\nx\n/s\n\n\nready":    "invalid syntax",
	} {
		dir := project(t, map[string]string{"postmaster.pid": content})
		_, err := readPidFile(dir)
		require.ErrorContains(t, err, message)
	}
	state, err := readPidFile(project(t, map[string]string{"postmaster.pid": "12\n/d\n1700000000\n5433\n/s\nlocalhost\n 1 2\nready   \n"}))
	require.NoError(t, err)
	require.True(t, state.ready)
	require.Equal(t, 12, state.pid)
	require.Equal(t, 5433, state.port)
	require.Equal(t, "/s", state.socket)
	state, err = readPidFile(project(t, map[string]string{"postmaster.pid": "12\n/d\n"}))
	require.NoError(t, err)
	require.False(t, state.ready)
}

//go:build unix

package environments

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// role makes the test binary another process, for tests that need one: it does what the variable says and goes on until
// its standard input ends.
const role = "KEDGE_TEST_PROCESS"

func TestMain(m *testing.M) {
	if what := os.Getenv(role); what != "" {
		if err := act(what); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func act(what string) error {
	kind, argument, _ := strings.Cut(what, " ")
	ctx := context.Background()
	switch kind {
	case "shadow":
		shadow, err := OpenShadow(ctx, ShadowOptions{})
		if err != nil {
			return err
		}
		fmt.Println(shadow.URL("template1"))
	case "shared":
		shared, err := ShareServer(ctx, sharedOptions(argument))
		if err != nil {
			return err
		}
		fmt.Println(shared.URL("postgres"))
	case "watched":
		cmd := exec.Command("sleep", "3600")
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		if _, err := spawnWatched(cmd); err != nil {
			return err
		}
		fmt.Println(cmd.Process.Pid)
	}
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	_ = err // the end of its input ends it
	return nil
}

// player is another process that plays a role.
type player struct {
	cmd *exec.Cmd
	url string
}

func playRole(t *testing.T, what string) *player {
	t.Helper()
	return play(t, what, exec.Command(os.Args[0]))
}

func play(t *testing.T, what string, cmd *exec.Cmd) *player {
	t.Helper()
	p := &player{cmd: cmd}
	p.cmd.Env = append(append(os.Environ(), role+"="+what), cmd.Env...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, line)
	p.url = strings.TrimSpace(line)
	require.NotContains(t, p.url, "error")
	return p
}

// kill is kill -9, and waits until the process is gone.
func (p *player) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// home is the folder of the server at a URL.
func home(t *testing.T, url string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	return cfg.Host
}

func answers(t *testing.T, url string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return false
	}
	require.NoError(t, conn.Close(t.Context()))
	return true
}

func sharedOptions(name string) SharedOptions {
	return SharedOptions{Name: name, Linger: time.Second, Keep: time.Hour}
}

func TestNothingIsLeftAfterKill(t *testing.T) {
	t.Parallel()
	p := playRole(t, "shadow")
	require.True(t, answers(t, p.url))
	folder := home(t, p.url)
	p.kill(t)
	require.Eventually(t, func() bool { return !answers(t, p.url) }, wait, tick)
	// The next one removes what it left.
	openShadow(t, ShadowOptions{})
	require.Eventually(t, func() bool {
		openShadow(t, ShadowOptions{})
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	}, wait, tick)
}

func TestSharedServerGoesAfterItsLastUser(t *testing.T) {
	t.Parallel()
	name := "test-" + filepath.Base(t.TempDir()) + fmt.Sprint(os.Getpid())
	first := playRole(t, "shared "+name)
	second := playRole(t, "shared "+name)
	require.Equal(t, first.url, second.url)
	first.kill(t)
	third, err := ShareServer(t.Context(), sharedOptions(name))
	require.NoError(t, err)
	require.Equal(t, first.url, third.URL("postgres"))
	require.NotZero(t, third.Binaries().Major)
	second.kill(t)
	require.True(t, answers(t, first.url), "there is a user left")
	require.NoError(t, third.Keep())
	require.NoError(t, os.Remove(filepath.Join(home(t, first.url), keepName)), "not for an hour in a test")
	require.NoError(t, third.Leave())
	folder := home(t, first.url)
	require.Eventually(t, func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) }, wait, tick)

	// Whoever comes afterwards has a new one.
	fourth, err := ShareServer(t.Context(), sharedOptions(name))
	require.NoError(t, err)
	require.NotEqual(t, first.url, fourth.URL("postgres"))
	require.True(t, answers(t, fourth.URL("postgres")))
	require.NoError(t, fourth.Leave())
	folder = home(t, fourth.URL("postgres"))
	require.Eventually(t, func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) }, wait, tick)
	run := filepath.Dir(folder)
	require.NoError(t, os.Remove(filepath.Join(run, "shared-"+name)))
	require.NoError(t, os.Remove(filepath.Join(run, "shared-"+name+".lock")))
}

func TestWatchdogEndsAServerWithItsOwner(t *testing.T) {
	t.Parallel()
	p := playRole(t, "watched")
	pid, err := strconv.Atoi(p.url)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0))
	p.kill(t)
	require.Eventually(t, func() bool { return !running(pid) }, wait, tick)

	// The watchdog goes when the server does.
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	exited, err := spawnWatched(cmd)
	require.NoError(t, err)
	<-exited
}

// running tells whether a process is there and is no zombie, which nobody may have waited for.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestAbandonedServerIsEndedAndSwept(t *testing.T) {
	t.Parallel()
	s, err := startServer(t.Context(), ServerOptions{}, shapeSlim, detached)
	require.NoError(t, err)
	require.True(t, answers(t, s.URL("template1")))
	s.owner.unlock() // as if its owner had been killed, and Pdeathsig had not worked
	other, err := StartServer(t.Context(), ServerOptions{})
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.Eventually(t, func() bool { _, err := os.Stat(s.home); return os.IsNotExist(err) }, wait, tick)
	require.False(t, answers(t, s.URL("template1")))
}

func TestServerRunsAsAnyAccount(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	accounts := rootAccounts()
	for _, who := range []account{accounts[0], accounts[len(accounts)-1]} {
		b, err := FindBinaries(t.Context(), FindOptions{})
		require.NoError(t, err)
		if out, err := who.command(t.Context(), filepath.Join(b.Dir, "postgres"), "--version").CombinedOutput(); err != nil {
			t.Logf("%s: %v %s", who, err, out) // a container may forbid user namespaces
			continue
		}
		s, err := startServer(t.Context(), ServerOptions{who: &who}, shapeSlim, withProcess)
		require.NoError(t, err, who.String())
		require.True(t, answers(t, s.URL("template1")))
		require.NoError(t, s.Stop(StopFast))
		require.NoError(t, s.Start(t.Context(), nil))
		require.NoError(t, s.Close())
	}
}

// A container may run programs as a user that has no name, for which initdb does not work.
func TestAUserWithoutANameHasAServer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	if out, err := (account{uid: 65534, gid: 65534, switching: asNamespace}).command(t.Context(), "true").CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v %s", err, out)
	}
	const uid = 54321
	dir := passable(t)
	binary := filepath.Join(dir, "test")
	require.NoError(t, copyFile(os.Args[0], binary))
	require.NoError(t, os.Chmod(binary, 0o755))
	for _, name := range []string{"tmp", "cache"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(t, os.Chown(filepath.Join(dir, name), uid, uid))
	}
	cmd := exec.Command(binary)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	cmd.Env = []string{"TMPDIR=" + filepath.Join(dir, "tmp"), "KEDGE_CACHE=" + filepath.Join(dir, "cache"), "GOCOVERDIR=" + filepath.Join(dir, "tmp")}
	p := play(t, "shadow", cmd)
	require.True(t, answers(t, p.url))
	p.kill(t)
	require.Eventually(t, func() bool { return !answers(t, p.url) }, wait, tick)
}

func TestAFolderOfSomebodyElseIsNotUsed(t *testing.T) {
	dir := passable(t)
	t.Setenv("TMPDIR", dir)
	run, err := runFolder()
	require.NoError(t, err)
	require.Equal(t, dir, filepath.Dir(run))
	require.NoError(t, os.Remove(run))
	require.NoError(t, os.Symlink("/", run))
	_, err = runFolder()
	require.ErrorContains(t, err, "does not belong")
	t.Setenv("TMPDIR", filepath.Join(dir, strings.Repeat("long", 20)))
	run, err = runFolder()
	require.NoError(t, err)
	require.Equal(t, "/tmp", filepath.Dir(run), "a socket's path must be short")
}

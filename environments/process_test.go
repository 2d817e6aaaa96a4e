package environments_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
)

// How long a test waits for what comes by itself, and how often it looks.
const (
	wait = time.Minute
	tick = 5 * time.Millisecond
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
		shadow, err := environments.OpenShadow(ctx, environments.ShadowOptions{})
		if err != nil {
			return err
		}
		fmt.Println(shadow.URL("template1"))
	case "shared":
		shared, err := environments.ShareServer(ctx, sharedOptions(argument))
		if err != nil {
			return err
		}
		fmt.Println(shared.URL("postgres"))
	}
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	_ = err // the end of its input ends it
	return nil
}

// process is another process that plays a role.
type process struct {
	cmd *exec.Cmd
	url string
}

func startProcess(t *testing.T, what string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), role+"="+what)
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
func (p *process) kill(t *testing.T) {
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

func sharedOptions(name string) environments.SharedOptions {
	return environments.SharedOptions{Name: name, Linger: time.Second, Keep: time.Hour}
}

func TestNothingIsLeftAfterKill(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "shadow")
	require.True(t, answers(t, p.url))
	folder := home(t, p.url)
	p.kill(t)
	require.Eventually(t, func() bool { return !answers(t, p.url) }, wait, tick)
	// The next one removes what it left.
	openShadow(t, environments.ShadowOptions{})
	require.Eventually(t, func() bool {
		openShadow(t, environments.ShadowOptions{})
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	}, wait, tick)
}

func TestSharedServerGoesAfterItsLastUser(t *testing.T) {
	t.Parallel()
	name := "test-" + filepath.Base(t.TempDir()) + fmt.Sprint(os.Getpid())
	first := startProcess(t, "shared "+name)
	second := startProcess(t, "shared "+name)
	require.Equal(t, first.url, second.url)
	first.kill(t)
	third, err := environments.ShareServer(t.Context(), sharedOptions(name))
	require.NoError(t, err)
	require.Equal(t, first.url, third.URL("postgres"))
	require.NotZero(t, third.Binaries().Major)
	second.kill(t)
	require.True(t, answers(t, first.url), "there is a user left")
	require.NoError(t, third.Leave())
	folder := home(t, first.url)
	require.Eventually(t, func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) }, wait, tick)

	// Whoever comes afterwards has a new one.
	fourth, err := environments.ShareServer(t.Context(), sharedOptions(name))
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

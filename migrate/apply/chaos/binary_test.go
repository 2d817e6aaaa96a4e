//go:build unix

package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if totals.tried > 0 {
		fmt.Println("chaos:", &totals)
	}
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the kedge command, made once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func kedge(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "chaos-kedge"); built.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "kedge"), "github.com/kedgedb/kedge/cmd/kedge").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "kedge")
}

// process is a run of the kedge command.
type process struct {
	*exec.Cmd
	out, err bytes.Buffer
	ended    chan struct{}
}

// command prepares a run in an empty folder, with none of the caller's settings.
func command(t testing.TB, environ []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(kedge(t), args...), ended: make(chan struct{})}
	home := t.TempDir()
	p.Dir = home
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "KEDGE_CACHE=" + environments.DefaultCache()}, environ...)
	p.Stdout, p.Stderr = &p.out, &p.err
	return p
}

func (p *process) begin() error {
	if err := p.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.Wait()
		close(p.ended)
	}()
	return nil
}

// code waits for the end and returns the exit code, -1 after a signal.
func (p *process) code(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		_ = p.Process.Kill()
		<-p.ended
		t.Fatalf("kedge does not end: %s", p.err.String())
	}
	return p.ProcessState.ExitCode()
}

// runKedge runs it to its end.
func runKedge(t testing.TB, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	p := command(t, environ, args...)
	require.NoError(t, p.begin())
	code = p.code(t)
	return code, p.out.String(), p.err.String()
}

// SIGKILL at any moment, from the start of the process to its end, up to three times in a row.
func TestChaosKill(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	kedge(t)
	reference := a.clone("")
	_, _, _ = runKedge(t, nil, "version") // from disk to memory
	start := time.Now()
	code, _, errs := runKedge(t, nil, "up", "--url", a.url(reference), "--source", a.dir)
	whole := time.Since(start)
	require.Zero(t, code, errs)
	want, err := a.look(reference)
	require.NoError(t, err)

	kills := count(15, 500)
	var c tally
	defer c.done()
	var wg sync.WaitGroup
	var mu sync.Mutex // of random
	random := dice(t)
	for range 2 {
		wg.Go(func() {
			for !t.Failed() && c.fired() < kills {
				mu.Lock()
				moments := make([]time.Duration, random.IntN(3)+1)
				for i := range moments {
					moments[i] = time.Duration(random.Int64N(int64(whole) * 3 / 4))
				}
				mu.Unlock()
				if err := a.killed(t, moments, want, &c); err != nil {
					t.Errorf("killed after %v: %v", moments, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("SIGKILL: a run takes %s; %s", whole.Round(time.Millisecond), &c)
	require.Zero(t, c.lost, "rows lost")
}

// killed starts kedge and kills it, as often as there are moments; then once more, without.
func (a *arena) killed(t testing.TB, moments []time.Duration, want outcome, c *tally) error {
	database := a.clone("")
	for _, m := range moments {
		p := command(t, nil, "up", "--url", a.url(database), "--source", a.dir)
		if err := p.begin(); err != nil {
			return err
		}
		c.add(&c.tried)
		select {
		case <-p.ended:
		case <-time.After(m):
			_ = p.Process.Kill() // it may have ended just now
			<-p.ended
		}
		switch {
		case p.ProcessState.Success():
			c.add(&c.unfired)
		case p.ProcessState.Exited() && p.ProcessState.ExitCode() != 5:
			return fmt.Errorf("exit code %d: %s", p.ProcessState.ExitCode(), p.err.String())
		}
	}
	if err := a.mend(database, up, c); err != nil {
		return err
	}
	return a.check(database, want, c)
}

// slow are scripts that wait for ever, each in its own way.
var slow = []struct {
	name, script string
	blocked      bool // by another session's lock on t
	waiting      string
}{
	{"transactional", "CREATE TABLE never (id int);\nSELECT pg_sleep(600);\n", false, "wait_event = 'PgSleep'"},
	{"CONCURRENTLY", "CREATE INDEX CONCURRENTLY t_id ON t (id);\n", true, "wait_event_type = 'Lock'"},
	{"lock", "CREATE TABLE never (id int);\nALTER TABLE t ADD c int;\n", true, "wait_event_type = 'Lock'"},
}

// SIGINT and SIGTERM: the statement is cancelled, its transaction rolled back, the lock given back, exit code 1.
func TestChaosSignal(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, s := range slow {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(s.name+" "+signal.String(), func(t *testing.T) {
				database := a.clone("")
				conn := a.server.Connect(t.Context(), database)
				_, err := conn.Exec(t.Context(), "CREATE TABLE t (id int)")
				require.NoError(t, err)
				dir := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(dir, "1_a.up.sql"), []byte("CREATE TABLE a (id int);"), 0o644))
				require.NoError(t, os.WriteFile(filepath.Join(dir, "2_b.up.sql"), []byte(s.script), 0o644))
				holder := a.server.Connect(t.Context(), database)
				if s.blocked {
					tx, err := holder.Begin(t.Context())
					require.NoError(t, err)
					_, err = tx.Exec(t.Context(), "INSERT INTO t VALUES (1)")
					require.NoError(t, err)
				}
				p := command(t, []string{"KEDGE_LOCK_TIMEOUT=600s"}, "up", "--url", a.url(database), "--source", dir)
				require.NoError(t, p.begin())
				require.Eventually(t, func() bool {
					var n int
					err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'kedge%' AND datname = current_database() AND "+s.waiting).Scan(&n)
					return err == nil && n > 0
				}, time.Minute, 10*time.Millisecond)
				require.NoError(t, p.Process.Signal(signal))
				require.Equal(t, 1, p.code(t), p.err.String())
				require.Contains(t, p.err.String(), "interrupted")
				if s.blocked {
					_, err = holder.Exec(t.Context(), "ROLLBACK")
					require.NoError(t, err)
				}
				require.NoError(t, holder.Close(t.Context()))
				require.NoError(t, a.quiet(t.Context(), conn))
				var left string
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT coalesce(to_regclass('a')::text, '') || coalesce(to_regclass('never')::text, '')").Scan(&left))
				require.Equal(t, "a", left)
				if !strings.Contains(s.script, "pg_sleep") {
					code, _, errs := runKedge(t, nil, "up", "--url", a.url(database), "--source", dir)
					require.Zero(t, code, errs)
					require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*)::text FROM pg_index WHERE NOT indisvalid").Scan(&left))
					require.Equal(t, "0", left)
				}
			})
		}
	}
}

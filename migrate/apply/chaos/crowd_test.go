//go:build unix

package chaos

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate/apply"
)

// Fifty runners at once, some of them processes of their own, on a set with CONCURRENTLY in it: one applies, the others do nothing.
func TestChaosCrowd(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	want, _ := a.undisturbedOutcome()
	kedge(t)
	for range count(1, 5) {
		database := a.clone("")
		const goroutines, processes = 44, 6
		steps := make(chan int, goroutines+processes)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				<-start
				report, err := a.run(a.url(database), up, apply.Options{RunWait: 2 * time.Minute})
				if err != nil {
					t.Errorf("a runner: %v", err)
					return
				}
				steps <- len(report.Steps)
			})
		}
		for range processes {
			p := command(t, nil, "up", "--json", "--url", a.url(database), "--source", a.dir)
			wg.Go(func() {
				<-start
				if err := p.begin(); err != nil {
					t.Errorf("starting kedge: %v", err)
					return
				}
				if code := p.code(t); code != 0 {
					t.Errorf("a process ended with %d: %s", code, p.err.String())
				}
				var report struct{ Steps []any }
				if err := json.Unmarshal(p.out.Bytes(), &report); err != nil {
					t.Errorf("a process wrote %q: %v", p.out.String(), err)
				}
				steps <- len(report.Steps)
			})
		}
		close(start)
		wg.Wait()
		close(steps)
		worked := 0
		for n := range steps {
			if n > 0 {
				worked++
				require.Equal(t, len(a.set), n, "one run does everything")
			}
		}
		require.Equal(t, 1, worked)
		var c tally
		require.NoError(t, a.check(database, want, &c))
	}
}

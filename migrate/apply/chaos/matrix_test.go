//go:build unix

package chaos

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// scene is a run that is disturbed: from a template, by a request, to an outcome.
type scene struct {
	name     string
	template string
	request  migrate.Request
	want     outcome
	messages map[Direction]int64
	sample   int // how many faults are enough in full; 0: all
}

// A connection that is cut, stalled or closed in the middle of a message, at any message of a run in either direction:
// a plain second run ends where an undisturbed one does.
func TestChaosMatrix(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	target := migrate.Version(downTo)
	scenes := []*scene{
		{name: "up", request: migrate.Request{Direction: migrate.Up}},
		{name: "down", request: migrate.Request{Direction: migrate.Down, To: &target}},
	}
	for _, s := range scenes {
		a.undisturbed(s)
		if s.name == "up" {
			applied := a.clone("")
			_, err := a.up(applied)
			require.NoError(t, err)
			scenes[1].template = applied
		}
	}
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) { a.matrix(t, s) })
	}
}

// undisturbed runs the scene once, and counts its messages.
func (a *arena) undisturbed(s *scene) {
	database := a.clone(s.template)
	dir, err := os.MkdirTemp("", "chaos")
	require.NoError(a.t, err)
	defer os.RemoveAll(dir)
	p, err := Listen(dir, a.socket, Fault{})
	require.NoError(a.t, err)
	_, err = a.run(a.through(dir, database), s.request, apply.Options{})
	require.NoError(a.t, err)
	toServer, toClient := p.Counts()
	require.NoError(a.t, p.Close())
	s.messages = map[Direction]int64{ToServer: toServer, ToClient: toClient}
	s.want, err = a.look(database)
	require.NoError(a.t, err)
}

// faults are those to try: a sample that meets every part of the run; in full, each kind at every message to the
// server and one of the kinds in turn at every message to the client, or there, too, each kind.
func (s *scene) faults() []Fault {
	var list []Fault
	kinds := []Kind{CutBefore, CutAfter, StallThenCut, HalfWrite}
	for _, d := range []Direction{ToServer, ToClient} {
		for n := int64(1); n <= s.messages[d]; n++ {
			for i, k := range kinds {
				if d == ToClient && !exhaustive() && n%int64(len(kinds)) != int64(i) {
					continue
				}
				then := Reachable
				if (n+int64(len(list)))%3 == 0 {
					then = Unreachable
				}
				list = append(list, Fault{Direction: d, Kind: k, Message: n, Stall: 20 * time.Millisecond, Then: then})
			}
		}
	}
	if full() && s.sample == 0 || exhaustive() {
		return list
	}
	wanted := 13
	if full() {
		wanted = s.sample
	}
	stride := max(1, len(list)/wanted) | 1 // prime to the number of kinds
	var some []Fault
	for i := stride / 2; i < len(list); i += stride {
		some = append(some, list[i])
	}
	return some
}

func (a *arena) matrix(t *testing.T, s *scene) {
	list := s.faults()
	work := make(chan Fault)
	var c tally
	defer c.done()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for f := range work {
				if err := a.disturb(s, f, &c); err != nil {
					t.Errorf("%s: %v", f, err)
				}
			}
		})
	}
	for _, f := range list {
		if t.Failed() && !full() {
			break
		}
		work <- f
	}
	close(work)
	wg.Wait()
	t.Logf("%s: %d messages to the server, %d to the client; %s", s.name, s.messages[ToServer], s.messages[ToClient], &c)
	require.Zero(t, c.lost, "rows lost")
	require.Less(t, c.unfired, c.tried/5+3, "the faults are to happen")
}

// disturb runs the scene with a fault, then again.
func (a *arena) disturb(s *scene, f Fault, c *tally) error {
	c.add(&c.tried)
	database := a.clone(s.template)
	dir, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := Listen(dir, a.socket, f)
	if err != nil {
		return err
	}
	o := apply.Options{ReconnectWait: 20 * time.Second}
	if f.Then == Unreachable {
		o.ReconnectWait = 30 * time.Millisecond
	}
	_, first := a.run(a.through(dir, database), s.request, o)
	if !p.Fired() {
		c.add(&c.unfired)
	}
	_ = p.Close()
	if first == nil {
		c.add(&c.survived)
	}
	if first != nil && !p.Fired() {
		return fmt.Errorf("no fault, and yet: %w", first)
	}
	if err := a.mend(database, s.request, c); err != nil {
		return fmt.Errorf("%w (the first run: %w)", err, orNone(first))
	}
	if err := a.check(database, s.want, c); err != nil {
		return fmt.Errorf("%w (the first run: %w)", err, orNone(first))
	}
	return nil
}

// orNone is an error to print where there may be none.
func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

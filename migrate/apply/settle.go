package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kedgedb/kedge/migrate"
)

// settle finds out what became of the steps from i to end after the connection
// broke: the answer to a COMMIT may have been lost. It connects again, takes
// the lock, which a session that still works keeps until it is gone, and reads
// the history. It says how many of the steps took effect and, unless all that
// were asked for did, the error that ended the work.
func (r *runner) settle(ctx context.Context, i, end int, cause error) (int, error) {
	canceled := ctx.Err() != nil
	wait := r.o.ReconnectWait
	if canceled {
		wait = r.o.CancelGrace
	}
	limited, done := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer done()
	if err := r.reconnect(limited); err != nil {
		return 0, fmt.Errorf("%w: %s was being run when %w; then %w; the next run finds out from history", ErrOutcomeUnknown, r.plan.Steps[i].Migration.Key(), cause, err)
	}
	n := 0
	for i+n < end {
		e := r.recorded(&r.plan.Steps[i+n])
		if e == nil {
			break
		}
		r.done(i+n, e.ID, e.Duration)
		r.entries = r.entries[:len(r.entries)-1] // it was read from history
		n++
	}
	if n > 0 && !canceled {
		r.warn("the connection broke while %s was committed; history shows that it took effect", r.plan.Steps[i+n-1].Migration.Key())
		return n, nil
	}
	if n > 0 {
		return n, ctx.Err()
	}
	return 0, atStep(&r.plan.Steps[i], "nothing of it took effect", cause)
}

// recorded is the row of this run by which a step took effect.
func (r *runner) recorded(step *migrate.Step) *migrate.Entry {
	for k := len(r.entries) - 1; k >= 0; k-- {
		e := &r.entries[k]
		if e.RunID == r.runID && e.Event == ended(step) && e.Key() == step.Migration.Key() && e.Kind == step.Migration.Kind {
			return e
		}
	}
	return nil
}

// reconnect gets a working connection, the lock and the history again. Before
// that it makes sure that the session of the broken connection is gone.
func (r *runner) reconnect(ctx context.Context) error {
	r.watch.idle()
	old := r.main
	r.locked = false
	if old != nil {
		old.cancel() // what it still does will not be wanted
		_ = old.pg.Conn().Close()
	}
	var last error
	for pause := firstPause; ; pause = min(pause*2, time.Second) {
		if last = r.resume(ctx); last == nil {
			return nil
		}
		var held *LockedError
		if errors.As(last, &held) || errors.Is(last, ErrStatementPooling) || errors.Is(last, ErrHistoryLayout) {
			return last
		}
		if err := sleep(ctx, pause); err != nil {
			return last
		}
	}
}

// resume is one try of reconnect.
func (r *runner) resume(ctx context.Context) error {
	if r.main != nil && r.main.open() {
		r.main.close()
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	if r.lock.holder != nil { // a new token shuts out what the broken connection may still be at
		rollBack(ctx, r.lock.holder)
		r.lock.holder.close()
		r.lock.holder = nil
	}
	if err := r.acquire(ctx); err != nil {
		return err
	}
	r.locked = true
	return r.read(ctx)
}

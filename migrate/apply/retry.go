package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
)

// firstPause is the pause before the first retry; each further one is twice as long.
const firstPause = 100 * time.Millisecond

// LockRetriesError says what a migration waited for until its time was over.
// Nothing of the migration took effect.
type LockRetriesError struct {
	Version  migrate.Version
	Retries  int
	Waited   time.Duration
	Blockers []migrate.Blocker // those last seen; empty when they could not be seen
	Err      error             // of the last try
}

// Error says how long was waited and who stood in the way.
func (e *LockRetriesError) Error() string {
	s := fmt.Sprintf("%v: gave up after %s and %d retries: %v", ErrLockRetries, e.Waited.Round(time.Millisecond), e.Retries, e.Err)
	if len(e.Blockers) > 0 {
		s += "; in the way: " + describeBlockers(e.Blockers)
	}
	return s
}

// Unwrap is ErrLockRetries and the error of the last try.
func (e *LockRetriesError) Unwrap() []error { return []error{ErrLockRetries, e.Err} }

// retryable tells errors after which the same transaction may succeed: a lock
// that was not to be had, a deadlock, a serialization failure.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == codeLockTimeout || pg.Code == codeDeadlock || pg.Code == codeSerialization
}

// retry counts the tries of one step.
type retry struct {
	r     *runner
	count int
	since time.Time // of the first failure
	pause time.Duration
}

func (r *runner) newRetry() *retry { return &retry{r: r, pause: firstPause} }

// wait pauses before the next try, or returns the error to give up with.
func (t *retry) wait(ctx context.Context, i int, cause error) error {
	r := t.r
	if t.since.IsZero() {
		t.since = time.Now()
	}
	blockers := r.watch.blockers()
	if waited := time.Since(t.since); waited >= r.o.LockRetry {
		return &LockRetriesError{Version: r.plan.Steps[i].Migration.Version, Retries: t.count, Waited: waited, Blockers: blockers, Err: cause}
	}
	delay := t.pause/2 + rand.N(t.pause/2+1) //nolint:gosec // jitter, no secret
	t.pause = min(t.pause*2, r.o.RetryCeiling)
	t.count++
	r.report.Steps[i].Retries = t.count
	r.tell(migrate.Progress{
		Kind: migrate.WaitingForLock, Step: &r.plan.Steps[i], Number: i + 1, Retry: t.count, Delay: delay,
		Elapsed: time.Since(t.since), Blockers: blockers, Err: cause,
	})
	return sleep(ctx, delay)
}

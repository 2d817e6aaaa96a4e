package apply

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/migrate"
)

// Companion is another tool's history that is kept in step with kedge's: its
// rows are written in the transaction of each migration, and its lock is held
// during a run.
type Companion interface {
	// Name is the tool's.
	Name() string
	// Record is the statements, under any search_path, that say in the tool's
	// history that a migration was applied or reverted.
	Record(m *migrate.Migration, d migrate.Direction) ([]string, error)
	// Locks are the keys of the advisory locks that the tool takes.
	Locks() []int64
}

// findCompanion asks for the companion and takes its locks. The run lock is held.
func (r *runner) findCompanion(ctx context.Context) error {
	if r.o.Companion == nil || r.companion != nil {
		return nil
	}
	c, err := r.o.Companion(ctx, r.main.conn)
	if err != nil {
		return describe(err, "looking for a tool to keep in step with")
	}
	if c == nil {
		return nil
	}
	r.companion = c
	if len(c.Locks()) == 0 {
		return nil
	}
	w, err := r.open(ctx)
	if err != nil {
		return err
	}
	r.beside = w
	started, pause := time.Now(), 50*time.Millisecond
	for _, key := range c.Locks() {
		for {
			// A transaction that holds no snapshot: nothing CONCURRENTLY waits for it.
			reply, err := w.exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED;\n"+
				"SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout');\n"+
				"SELECT pg_catalog.pg_try_advisory_xact_lock("+strconv.FormatInt(key, 10)+")")
			if err != nil {
				return describe(err, "taking the lock of %s", c.Name())
			}
			if text(reply.result(2)[0][0]) == "t" {
				break
			}
			if time.Since(started) >= r.o.RunWait {
				return fmt.Errorf("%w: that of %s (advisory lock %d), with which this database is kept in step", ErrLocked, c.Name(), key)
			}
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause = min(pause*2, time.Second)
		}
	}
	return nil
}

// mirrored is the statements that the companion wants in a step's transaction.
func (r *runner) mirrored(step *migrate.Step) ([]string, error) {
	if r.companion == nil {
		return nil, nil
	}
	list, err := r.companion.Record(step.Migration, step.Direction)
	if err != nil {
		return nil, fmt.Errorf("keeping %s in step: %w", r.companion.Name(), err)
	}
	return list, nil
}

// CompanionFinder looks for a companion on the connection of a run; nil when there is none.
type CompanionFinder func(ctx context.Context, conn *pgx.Conn) (Companion, error)

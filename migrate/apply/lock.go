package apply

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
)

// lock keeps other runs on the same database and history table away. On a
// connection straight to the server it is a session-level advisory lock of the
// connection that does the work, so that the two end together. Behind a pooler,
// where sessions are shared, it is a transaction-level one on a connection of
// its own that stays idle in a READ COMMITTED transaction: that holds no
// snapshot, so CREATE INDEX CONCURRENTLY and VACUUM do not wait for it.
//
// There the two do not end together: a transaction may still be at work behind
// the pooler when its run is gone and the next one has the lock. So the lock's
// connection holds a second lock, on a token of its own, which every
// transaction looks for before it commits (the fence). From before that look to
// its end the transaction holds a third one, the gate, through which the next
// run goes before it reads the history.
type lock struct {
	key    int64
	holder *wire // the pooled lock's own connection
	token  int64 // of the pooled lock
}

// gate is the key of the lock under which pooled transactions commit.
func (l *lock) gate() string { return strconv.FormatInt(l.key^1, 10) }

// Key is the advisory lock that a run takes: it depends on the history table's name alone.
func (t Table) Key() int64 {
	sum := sha256.Sum256([]byte("kedge\x00" + t.schema() + "\x00" + t.name()))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// LockedError says who holds the lock.
type LockedError struct {
	Table  Table
	Holder []migrate.Blocker // empty when it cannot be seen
	Waited time.Duration
}

// Error names the holder and how long was waited for it.
func (e *LockedError) Error() string {
	who := "its session cannot be seen by this role"
	if len(e.Holder) > 0 {
		who = describeBlockers(e.Holder)
	}
	return fmt.Sprintf("%v on %s: %s (waited %s)", ErrLocked, e.Table, who, e.Waited.Round(time.Millisecond))
}

// Unwrap is ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

func describeBlockers(list []migrate.Blocker) string {
	words := make([]string, len(list))
	for i, b := range list {
		words[i] = fmt.Sprintf("pid %d, user %s, application %q, %s for %s: %s", b.PID, b.User, b.Application, orElse(b.State, "running"), b.Since.Round(time.Second), excerpt(b.Query))
	}
	return strings.Join(words, "; ")
}

// excerpt is the first words of a query, without a password.
func excerpt(query string) string {
	query = strings.Join(strings.Fields(withoutPasswords(query)), " ")
	if r := []rune(query); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return query
}

// mine is the pg_locks condition for an advisory lock of a 64-bit key.
func mine(key int64) string {
	return fmt.Sprintf("locktype = 'advisory' AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND classid = %d AND objid = %d AND objsubid = 1",
		uint32(uint64(key)>>32), uint32(uint64(key)))
}

// blockerColumns describes sessions of pg_stat_activity a.
const blockerColumns = `a.pid, a.usename, a.application_name, coalesce(host(a.client_addr), 'local'), a.state, a.query,
 (EXTRACT(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start, a.backend_start)) * 1000)::bigint`

func blocker(row [][]byte) migrate.Blocker {
	pid, _ := strconv.ParseInt(text(row[0]), 10, 32)
	since, _ := strconv.ParseInt(text(row[6]), 10, 64)
	return migrate.Blocker{
		PID: int32(pid), User: text(row[1]), Application: text(row[2]), Client: text(row[3]), State: text(row[4]),
		Query: excerpt(text(row[5])), Since: time.Duration(since) * time.Millisecond,
	}
}

// acquire waits for the lock, polling: a blocking wait would hold a snapshot
// that the holder's CREATE INDEX CONCURRENTLY waits for.
func (r *runner) acquire(ctx context.Context) error {
	started := time.Now()
	pause := 50 * time.Millisecond
	for {
		ok, err := r.tryLock(ctx)
		if err != nil {
			return describe(err, "taking the run lock")
		}
		if ok {
			return nil
		}
		holder, err := r.lockHolder(ctx)
		if err != nil {
			return describe(err, "looking for the holder of the run lock")
		}
		if time.Since(started) >= r.o.RunWait {
			return &LockedError{Table: r.o.History, Holder: holder, Waited: time.Since(started)}
		}
		r.tell(migrate.Progress{Kind: migrate.WaitingForRun, Elapsed: time.Since(started), Delay: pause, Blockers: holder})
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(pause*2, time.Second)
	}
}

// tryLock takes the lock if it is free.
func (r *runner) tryLock(ctx context.Context) (bool, error) {
	key := strconv.FormatInt(r.lock.key, 10)
	if !r.pooled {
		reply, err := r.main.exec(ctx, "SELECT pg_catalog.pg_try_advisory_lock("+key+")")
		return err == nil && text(reply.rows[0][0]) == "t", err
	}
	if r.lock.holder == nil || !r.lock.holder.open() {
		w, err := r.open(ctx)
		if err != nil {
			return false, err
		}
		r.lock.holder = w
	}
	w := r.lock.holder
	// Limits of the server, the role or the database must not end the idle transaction.
	reply, err := w.exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED;\n"+
		"SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout');\n"+
		"SELECT pg_catalog.pg_try_advisory_xact_lock("+key+")")
	if err != nil {
		return false, statementPooling(err)
	}
	if text(reply.result(2)[0][0]) != "t" {
		_, err = w.exec(ctx, "ROLLBACK")
		return false, err
	}
	r.lock.token = rand.Int64() //nolint:gosec // unlike those of other runs, not secret
	if _, err := w.exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock("+strconv.FormatInt(r.lock.token, 10)+")"); err != nil {
		return false, err
	}
	return true, r.passGate(ctx)
}

// statementPooling recognises a pooler that refuses transactions: the refusal
// is a protocol violation (PgBouncer) or ends the connection.
func statementPooling(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == codeProtocolViolation {
		return fmt.Errorf("%w: %s; connect straight to the server, or set pool_mode to transaction or session for this database", ErrStatementPooling, pg.Message)
	}
	return err
}

const codeProtocolViolation = "08P01"

// lockHolder describes who holds the lock, as far as the role may see.
func (r *runner) lockHolder(ctx context.Context) ([]migrate.Blocker, error) {
	reply, err := r.main.exec(ctx, "SELECT "+blockerColumns+" FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE l.granted AND "+
		strings.ReplaceAll(mine(r.lock.key), "database =", "l.database ="))
	if err != nil {
		return nil, err
	}
	var list []migrate.Blocker
	for _, row := range reply.rows {
		list = append(list, blocker(row))
	}
	return list, nil
}

// passGate waits for transactions of earlier runs that are about to commit.
func (r *runner) passGate(ctx context.Context) error {
	for {
		reply, err := r.main.exec(ctx, "SELECT pg_catalog.pg_try_advisory_xact_lock("+r.lock.gate()+")")
		if err != nil {
			return err
		}
		if text(reply.rows[0][0]) == "t" {
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// fence is the statements that fail, with a division by zero in the last one,
// unless the pooled lock is still held. There are none where the lock ends with
// the connection that does the work.
func (r *runner) fence() []string {
	if !r.pooled {
		return nil
	}
	return []string{
		"SELECT pg_catalog.pg_advisory_xact_lock(" + r.lock.gate() + ")",
		"SELECT 1/(SELECT count(*) FROM pg_catalog.pg_locks WHERE granted AND " + mine(r.lock.token) + ")",
	}
}

// release gives the lock back.
func (r *runner) release(ctx context.Context) {
	if !r.locked {
		return
	}
	r.locked = false
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), r.o.CancelGrace)
	defer done()
	if r.pooled {
		if r.lock.holder.open() {
			rollBack(ctx, r.lock.holder)
		}
		return
	}
	if r.main.open() {
		_, _ = r.main.exec(ctx, "SELECT pg_catalog.pg_advisory_unlock("+strconv.FormatInt(r.lock.key, 10)+")") // closing the connection does it, too
	}
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

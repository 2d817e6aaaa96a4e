package apply

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// watcher looks at the working session from a second connection, which it opens
// only when a step takes longer than a moment: who blocks it, and how far it is.
// It is best effort: without a second connection nothing is seen.
type watcher struct {
	r *runner

	mu      sync.Mutex
	current *watched
	seen    []migrate.Blocker // who blocked the session, last
	stop    chan struct{}     // of the goroutine, nil when there is none
	stopped chan struct{}
}

// watched is what runs at the moment.
type watched struct {
	step      int // index in the plan
	statement int
	sql       string
	since     time.Time
}

// Looking begins after patience, or earlier when a lock_timeout would be over by then.
const (
	patience = time.Second
	interval = time.Second
)

func newWatcher(r *runner) *watcher { return &watcher{r: r} }

// step says what the session does from now on.
func (w *watcher) step(step, statement int, sql string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = &watched{step: step, statement: statement, sql: sql, since: time.Now()}
	w.seen = nil
	if w.stop == nil {
		w.stop, w.stopped = make(chan struct{}), make(chan struct{})
		go w.look(w.stop, w.stopped)
	}
}

// idle says that the session does nothing.
func (w *watcher) idle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = nil
}

// blockers are the sessions that were last seen in the way.
func (w *watcher) blockers() []migrate.Blocker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *watcher) close() {
	w.mu.Lock()
	stop, stopped := w.stop, w.stopped
	w.stop = nil
	w.mu.Unlock()
	if stop != nil {
		close(stop)
		<-stopped
	}
}

// look is the goroutine.
func (w *watcher) look(stop, stopped chan struct{}) {
	defer close(stopped)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	first := min(patience, max(w.r.o.LockTimeout/2, 20*time.Millisecond))
	pace := time.NewTicker(first / 2)
	defer pace.Stop()
	var conn *wire
	defer func() {
		if conn != nil {
			conn.close()
		}
	}()
	var last time.Time
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
		}
		w.mu.Lock()
		current := w.current
		w.mu.Unlock()
		if current == nil || time.Since(current.since) < first || time.Since(last) < min(interval, first) {
			continue
		}
		if conn == nil || !conn.open() {
			opened, err := w.r.open(ctx)
			if err != nil {
				last = time.Now().Add(interval) // not so soon again
				continue
			}
			conn = opened
		}
		w.report(ctx, conn, current)
		last = time.Now()
	}
}

// report takes one look.
func (w *watcher) report(ctx context.Context, conn *wire, c *watched) {
	step := &w.r.plan.Steps[c.step]
	session := "pid = " + strconv.FormatUint(uint64(w.r.facts.pid), 10)
	if w.r.pooled {
		session = "application_name = " + ddl.QuoteLiteral(truncate(w.r.applicationName(step), 63))
	}
	reply, err := conn.exec(ctx, "SELECT "+blockerColumns+` FROM pg_catalog.pg_stat_activity s, LATERAL unnest(pg_catalog.pg_blocking_pids(s.pid)) b(pid)
 JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid WHERE s.`+session+` AND s.wait_event_type = 'Lock';
`+progressQuery(w.r.facts.serverVersion, "s."+session))
	if err != nil {
		return
	}
	var blockers []migrate.Blocker
	for _, row := range reply.result(0) {
		blockers = append(blockers, blocker(row))
	}
	w.mu.Lock()
	same := w.current == c
	if same && len(blockers) > 0 {
		w.seen = blockers
	}
	w.mu.Unlock()
	if !same || time.Since(c.since) < patience {
		return
	}
	p := migrate.Progress{
		Kind: migrate.StatementRunning, Step: step, Number: c.step + 1, Statement: c.statement, SQL: c.sql,
		Elapsed: time.Since(c.since), Percent: -1, Blockers: blockers,
	}
	for _, row := range reply.result(1) {
		p.Phase = text(row[0])
		if row[1] != nil {
			if percent, err := strconv.ParseFloat(text(row[1]), 64); err == nil {
				p.Percent = min(percent, 100)
			}
		}
	}
	w.r.tell(p)
}

// truncate cuts a name as the server does, at a character.
func truncate(s string, limit int) string {
	for len(s) > limit {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// progressQuery reads the pg_stat_progress views (https://www.postgresql.org/docs/current/progress-reporting.html).
func progressQuery(serverVersion int, session string) string {
	part := func(view, phase, done, total string) string {
		return "SELECT " + phase + ", 100.0 * " + done + " / nullif(" + total + ", 0) FROM pg_catalog." + view + " p JOIN pg_catalog.pg_stat_activity s USING (pid) WHERE " + session
	}
	q := part("pg_stat_progress_create_index", "p.phase || coalesce(' ' || p.index_relid::regclass::text, '')",
		"CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END", "CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END") +
		" UNION ALL " + part("pg_stat_progress_cluster", "p.phase", "p.heap_blks_scanned", "p.heap_blks_total") +
		" UNION ALL " + part("pg_stat_progress_vacuum", "p.phase", "p.heap_blks_scanned", "p.heap_blks_total") +
		" UNION ALL " + part("pg_stat_progress_analyze", "p.phase", "p.sample_blks_scanned", "p.sample_blks_total")
	if serverVersion >= 140000 {
		q += " UNION ALL " + part("pg_stat_progress_copy", "p.command", "p.bytes_processed", "p.bytes_total")
	}
	return q
}

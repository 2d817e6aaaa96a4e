package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// opening begins a script's transaction, the hooks before it included.
func (r *runner) opening(step *migrate.Step) string {
	return strings.TrimSuffix(r.preamble(step)+";\n"+r.beforeEach(step), ";\n")
}

// preamble begins a transaction: every script starts from the same session.
func (r *runner) preamble(step *migrate.Step) string {
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	b.WriteString(r.store.asRole())
	for _, s := range r.session(step) {
		fmt.Fprintf(&b, "SET LOCAL %s = %s;\n", s.name, s.value)
	}
	fmt.Fprintf(&b, "SET LOCAL lock_timeout = %d;\n", r.lockTimeout(step).Milliseconds())
	if t := r.statementTimeout(step); t > 0 {
		fmt.Fprintf(&b, "SET LOCAL statement_timeout = %d;\n", t.Milliseconds())
	}
	return strings.TrimSuffix(b.String(), ";\n")
}

// setting is a parameter and its value in SQL.
type setting struct{ name, value string }

// session is what a script's session is set to, transaction or not.
func (r *runner) session(step *migrate.Step) []setting {
	list := []setting{{"TimeZone", "'UTC'"}, {"application_name", ddl.QuoteLiteral(r.applicationName(step))}}
	if r.o.SearchPath != "" {
		list = append(list, setting{"search_path", searchPath(r.o.SearchPath)})
	}
	names := make([]string, 0, len(r.o.Settings))
	for name := range r.o.Settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts := strings.Split(name, ".")
		for i := range parts {
			parts[i] = ddl.QuoteIdent(parts[i])
		}
		list = append(list, setting{strings.Join(parts, "."), ddl.QuoteLiteral(r.o.Settings[name])})
	}
	return list
}

// applicationName shows in pg_stat_activity what runs. The run's id is how its
// session is found behind a pooler.
func (r *runner) applicationName(step *migrate.Step) string {
	return "kedge " + r.runID + " " + step.Migration.Key()
}

// searchPath is a search_path as SET takes it, each schema a literal.
func searchPath(value string) string {
	var list []string
	name, quoted := "", false
	take := func() {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, ddl.QuoteLiteral(name))
		}
		name = ""
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' && quoted && i+1 < len(value) && value[i+1] == '"':
			name += `"`
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			take()
		case !quoted && c >= 'A' && c <= 'Z':
			name += string(c + 'a' - 'A')
		default:
			name += string(c)
		}
	}
	take()
	if len(list) == 0 {
		return "''"
	}
	return strings.Join(list, ", ")
}

// lockTimeout is at least a millisecond: 0 would wait for ever.
func (r *runner) lockTimeout(step *migrate.Step) time.Duration {
	t := r.o.LockTimeout
	if h := step.Script.Header.LockTimeout; h != nil {
		t = *h
	}
	return max(t, time.Millisecond)
}

func (r *runner) statementTimeout(step *migrate.Step) time.Duration {
	if h := step.Script.Header.StatementTimeout; h != nil {
		return *h
	}
	return r.o.StatementTimeout
}

// closing is the statements after a script's own: they check what was deferred
// while the transaction can still fail as a whole, put the session back, and
// record the migration. The last one commits.
type closing struct {
	statements []string
	hooks      int // how many statements of hooks come first
	deferred   int // index of the statement at which deferred constraints fail
	guard      int // index of the statement at which the step before is found not to have committed; -1 when there is none
	fence      int // index of the statement at which the lock is found lost; -1 when there is none
	insert     int // index of the statement that returns the row's id and duration
	mirror     int // index of the last statement that keeps another tool in step; 0 when there is none
	commit     int
}

// resetting puts a session back to how it began, inside a transaction or not.
// It keeps session-level advisory locks, of which one is the run's.
var resetting = []string{
	"RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "CLOSE ALL", "UNLISTEN *",
	"DEALLOCATE ALL", "DISCARD TEMP", "DISCARD SEQUENCES",
}

func (r *runner) closing(i, retries int, t timing, before *migrate.Step) (*closing, error) {
	step := &r.plan.Steps[i]
	last := i == len(r.plan.Steps)-1
	c := &closing{guard: -1, fence: -1}
	add := func(sql string) int {
		c.statements = append(c.statements, sql)
		return len(c.statements) - 1
	}
	for _, sql := range r.afterEach(step) {
		add(sql)
	}
	c.hooks = len(c.statements)
	c.deferred = add("SET CONSTRAINTS ALL IMMEDIATE")
	for _, sql := range resetting {
		add(sql)
	}
	if r.o.Role != "" {
		add("SET LOCAL ROLE " + ddl.QuoteIdent(r.o.Role))
	}
	add("SET LOCAL lock_timeout = " + strconv.FormatInt(r.lockTimeout(step).Milliseconds(), 10))
	if !last { // the last commit waits for all of them
		add("SET LOCAL synchronous_commit = off")
	}
	for _, sql := range r.fence() {
		c.fence = add(sql)
	}
	if !r.pooled && loose(step) {
		c.fence = add("SELECT 1/(SELECT count(*) FROM pg_catalog.pg_locks WHERE granted AND pid = pg_catalog.pg_backend_pid() AND " + mine(r.lock.key) + ")")
	}
	if before != nil && r.pooled {
		c.guard = add("SELECT 1/(SELECT count(*) FROM (SELECT run_id, event, version, name FROM " + r.store.table.String() + " ORDER BY id DESC LIMIT 1) l WHERE run_id = " +
			literal(r.runID) + " AND event = " + literal(string(ended(before))) + " AND version IS NOT DISTINCT FROM " + literal(string(before.Migration.Version)) +
			" AND name IS NOT DISTINCT FROM " + literal(before.Migration.Name) + ")")
	}
	if !last && !r.pooled {
		add("SET " + doneSetting + " = " + r.doneMark(i))
	}
	e := r.entry(step, ended(step))
	e.Retries = retries
	kept := scripts{}
	if step.Direction == migrate.Up {
		var err error
		if kept, err = keptScripts(step.Migration); err != nil {
			return nil, err
		}
	}
	c.insert = add(r.store.insertSQL(&e, t, kept) + " RETURNING id, duration_ms")
	mirrored, err := r.mirrored(step)
	if err != nil {
		return nil, err
	}
	for _, sql := range mirrored {
		c.mirror = add(sql)
	}
	if last {
		add(r.announcement())
	}
	c.commit = add("COMMIT")
	return c, nil
}

// doneSetting is set by a script's transaction, so that its commit alone makes
// it known to the same session's next one: a rollback takes it back.
const doneSetting = "kedge.done"

// doneMark is what doneSetting is set to by step i.
func (r *runner) doneMark(i int) string { return ddl.QuoteLiteral(r.runID + " " + strconv.Itoa(i)) }

// after is the opening of a step that is sent before it is known what became of
// the one before, of which the plan's index is i: it fails, and with it all that follows, unless
// that one committed. Behind a pooler sessions are shared, and the history is asked; see closing.
func (r *runner) after(i int, opening string) string {
	if r.pooled {
		return opening
	}
	return strings.Replace(opening, "BEGIN;\n", "BEGIN;\nSELECT 1/(CASE pg_catalog.current_setting('"+doneSetting+"', true) WHEN "+r.doneMark(i)+" THEN 1 ELSE 0 END);\n", 1)
}

// ended is the event of a step that took effect.
func ended(step *migrate.Step) migrate.Event {
	if step.Direction == migrate.Down {
		return migrate.Reverted
	}
	return migrate.Applied
}

// announcement is the NOTIFY by which a finished run is made known.
func (r *runner) announcement() string {
	payload, _ := json.Marshal(map[string]string{"run_id": r.runID, "version": r.plan.To.String()}) // two strings
	return "SELECT pg_catalog.pg_notify('kedge', " + ddl.QuoteLiteral(string(payload)) + ")"
}

// message is a script's statements and what follows them, to be sent at once.
type message struct {
	sql     string
	starts  []int // where each of the script's statements starts in sql
	end     int   // where the script's statements end
	closing *closing
}

// whole tells whether a script can be sent as one message.
func whole(step *migrate.Step) bool {
	if !step.Transactional || step.Script.Run != nil || step.Script.Text == "" || step.Statements == nil {
		return false
	}
	if loose(step) {
		return false
	}
	for _, s := range step.Statements {
		if s.Copy || s.Class.SetsParsing {
			return false
		}
	}
	return true
}

// loose tells scripts that may take or release advisory locks of the session.
func loose(step *migrate.Step) bool {
	return step.Script.Run != nil || step.Script.Text == "" || containsFold(step.Script.Text, "advisory")
}

func newMessage(statements []ddl.Statement, c *closing) *message {
	m := &message{closing: c, starts: make([]int, len(statements))}
	var b strings.Builder
	for i, s := range statements {
		m.starts[i] = b.Len()
		b.WriteString(s.SQL)
		b.WriteString(";\n")
	}
	m.end = b.Len()
	if c != nil {
		b.WriteString(strings.Join(c.statements, ";\n"))
	}
	m.sql = b.String()
	return m
}

// failing finds the statement that an error is about: where PostgreSQL points,
// or the one after those that completed. It is -1 for what kedge added. The
// error's position is made to count from the statement's start.
func (m *message) failing(r *reply) (int, *pgconn.PgError) {
	pg := *r.err
	if pg.Position > 0 && pg.InternalQuery == "" {
		at := byteOffset(m.sql, int(pg.Position))
		n, found := slices.BinarySearch(m.starts, at)
		if !found {
			n--
		}
		if n >= 0 && at <= m.end {
			pg.Position = int32(utf8.RuneCountInString(m.sql[m.starts[n]:at])) + 1
			return n, &pg
		}
	}
	if r.completed >= len(m.starts) {
		return -1, &pg
	}
	if pg.InternalPosition > 0 && pg.InternalQuery != "" {
		m.point(r.completed, &pg)
	}
	return r.completed, &pg
}

// point finds the place of an error inside a function's body, or inside a query
// of a DO block, where that text stands exactly once in the statement.
func (m *message) point(n int, pg *pgconn.PgError) {
	statement := m.sql[m.starts[n]:m.end]
	if n+1 < len(m.starts) {
		statement = m.sql[m.starts[n]:m.starts[n+1]]
	}
	at := strings.Index(statement, pg.InternalQuery)
	if at < 0 || strings.LastIndex(statement, pg.InternalQuery) != at {
		return
	}
	pg.Position = int32(utf8.RuneCountInString(statement[:at])) + pg.InternalPosition
	pg.InternalQuery = ""
}

// byteOffset is where the character with this 1-based number starts.
func byteOffset(text string, character int) int {
	offset := 0
	for n := 1; n < character && offset < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

// failure is the error of a message that failed; first is the number of the
// first of its statements, 0 when history does not count them.
func (r *runner) failure(ctx context.Context, step *migrate.Step, m *message, reply *reply, statements []ddl.Statement, first int) error {
	n, pg := m.failing(reply)
	if n < 0 {
		return withCause(ctx, pg, r.closingFailure(step, m.closing, reply.completed-len(m.starts), pg))
	}
	located := migrate.ErrorAt(step, statements[n], pg)
	located.Number = first + n
	return withCause(ctx, pg, located)
}

// withCause says so where a statement was cancelled on the caller's behalf.
func withCause(ctx context.Context, pg *pgconn.PgError, err error) error {
	if pg.Code == codeCancelled && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// closingFailure is the error of a statement that kedge added after a script.
func (r *runner) closingFailure(step *migrate.Step, c *closing, index int, pg *pgconn.PgError) error {
	what := "recording the migration in " + r.store.table.String()
	switch {
	case c == nil:
	case index < c.hooks:
		return r.hookFailed(step, index, pg)
	case index > c.insert && index <= c.mirror:
		what = "writing the history of " + r.companion.Name()
	case index == c.deferred:
		what = "checking deferred constraints at its end"
	case index == c.fence:
		return fmt.Errorf("%w: another run may have begun; %s left nothing", ErrLockLost, step.Migration.Key())
	case index == c.commit:
		what = "committing"
	}
	return atStep(step, what, r.store.explain(pg))
}

// atStep is an error about a step as a whole.
func atStep(step *migrate.Step, what string, err error) error {
	e := &migrate.StatementError{Version: step.Migration.Version, Name: step.Migration.Name, Err: err, Message: what + ": " + err.Error()}
	if step.Script != nil {
		e.File = step.Script.File
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e.SQLSTATE, e.Detail, e.Hint, e.Where = pg.Code, pg.Detail, pg.Hint, pg.Where
		e.Message = what + ": " + pg.Message
	}
	return e
}

// transactional runs step i, and those after it that can be sent along, again
// and again while locks are not to be had. It says how many steps took effect.
func (r *runner) transactional(ctx context.Context, i int) (int, error) {
	end := i + 1
	if whole(&r.plan.Steps[i]) {
		for end < len(r.plan.Steps) && !r.boundary(end) && whole(&r.plan.Steps[end]) && r.o.Throttle.ReplicationLag <= 0 {
			end++
		}
	}
	first := i
	retry := r.newRetry()
	for i < end {
		n, err := r.attempt(ctx, i, end, retry.count)
		if n > 0 {
			i += n
			retry = r.newRetry()
		}
		if err == nil {
			continue
		}
		if !retryable(err) || ctx.Err() != nil {
			return i - first, err
		}
		if err := retry.wait(ctx, i, err); err != nil {
			return i - first, err
		}
	}
	return i - first, nil
}

// attempt tries the steps from i to end once. After an error the connection is
// out of the transaction.
func (r *runner) attempt(ctx context.Context, i, end, retries int) (int, error) {
	var n int
	var err error
	step := &r.plan.Steps[i]
	switch {
	case whole(step):
		n, err = r.batch(ctx, i, end, retries)
	case step.Script.Run != nil:
		n, err = r.function(ctx, i, retries)
	default:
		n, err = r.stream(ctx, i, retries)
	}
	if err == nil {
		if loose(step) {
			err = r.resetSession(ctx)
		}
		return n, err
	}
	var lost *broken
	if errors.As(err, &lost) || !r.main.open() {
		settled, unsettled := r.settle(ctx, i+n, end, err)
		return n + settled, unsettled
	}
	rollBack(ctx, r.main)
	return n, err
}

// batch sends the steps from i to end, two messages each (the transaction's
// opening, then the script with its history row and COMMIT), several ahead of
// their answers. When a script fails, its transaction stays open and refuses
// everything sent after it; when a COMMIT itself fails, the next opening (behind
// a pooler, the next closing) finds that the step before did not take effect.
// Either way nothing after the failed step takes effect.
func (r *runner) batch(ctx context.Context, i, end, retries int) (int, error) {
	steps := r.plan.Steps[i:end]
	messages := make([]*message, len(steps))
	var unread error // a script that could not be read for the history
	build := func(n int) string {
		step := &steps[n/2]
		if n%2 == 0 {
			opening := r.opening(step)
			if n > 0 {
				opening = r.after(i+n/2-1, opening)
			}
			return opening + r.lockPair(step, firstPair(step.Statements))
		}
		var before *migrate.Step
		if n/2 > 0 {
			before, retries = &steps[n/2-1], 0
		}
		c, err := r.closing(i+n/2, retries, byMessage, before)
		if err != nil {
			unread = err
			c = &closing{statements: []string{"ROLLBACK"}}
		}
		messages[n/2] = newMessage(step.Statements, c)
		return messages[n/2].sql
	}
	done := 0
	var failure error
	r.begin(i)
	err := r.main.pipeline(ctx, 2*len(steps), build, keepFirst, func(n int, reply *reply) {
		at := n / 2
		step, m := &steps[at], messages[at]
		switch {
		case failure != nil:
		case unread != nil && at == done && n%2 == 1 && m.closing.insert == 0:
			failure = unread
		case reply.err == nil && n%2 == 1:
			r.finish(i+at, reply, m)
			done++
			if at+1 < len(steps) {
				r.begin(i + at + 1)
			}
		case reply.err != nil && n%2 == 0:
			failure = withCause(ctx, reply.err, r.openingFailure(step, firstPair(step.Statements), reply.err))
		case reply.err != nil:
			failure = r.failure(ctx, step, m, reply, step.Statements, 1)
		}
	})
	r.watch.idle()
	if failure != nil {
		return done, failure
	}
	return done, err
}

// begin announces a step.
func (r *runner) begin(i int) {
	step := &r.plan.Steps[i]
	r.begun = time.Now()
	r.tell(migrate.Progress{Kind: migrate.StepStarted, Step: step, Number: i + 1})
	r.watch.step(i, 0, "")
}

// finish takes a committed step down.
func (r *runner) finish(i int, reply *reply, m *message) {
	rows := reply.result(len(m.starts) + m.closing.insert)
	var id int64
	var duration time.Duration
	if len(rows) == 1 {
		id = number(rows[0][0])
		ms, _ := strconv.ParseFloat(text(rows[0][1]), 64)
		duration = time.Duration(ms * float64(time.Millisecond))
	}
	r.done(i, id, duration)
}

// done takes a step down that is in history.
func (r *runner) done(i int, id int64, duration time.Duration) {
	step, report := &r.plan.Steps[i], &r.report.Steps[i]
	report.State, report.DurationMS = reached(step.Direction), float64(duration.Microseconds())/1000
	e := r.entry(step, ended(step))
	e.ID, e.Duration, e.At, e.Retries = id, duration, time.Now(), report.Retries
	r.entries = append(r.entries, e)
	r.tell(migrate.Progress{Kind: migrate.StepDone, Step: step, Number: i + 1, Elapsed: duration, Retry: report.Retries})
}

func number(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n
}

// rollBack leaves whatever transaction the connection is in.
func rollBack(ctx context.Context, w *wire) {
	if w.open() && w.pg.TxStatus() != 'I' {
		_, _ = again(context.WithoutCancel(ctx), w, "ROLLBACK") // a broken connection rolls back, too
	}
}

// again executes, once more when a late cancel request hits the wrong statement.
func again(ctx context.Context, w *wire, sql string) (*reply, error) {
	r, err := w.exec(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == codeCancelled && ctx.Err() == nil && w.open() {
		if w.pg.TxStatus() != 'I' {
			if _, err := w.exec(ctx, "ROLLBACK"); err != nil {
				return nil, err
			}
		}
		return w.exec(ctx, sql)
	}
	return r, err
}

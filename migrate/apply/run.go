package apply

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// runner is one run on one database.
type runner struct {
	o          Options
	connector  Connector
	migrations []*migrate.Migration
	store      store
	runID      string

	main    *wire // does the work
	pooled  bool  // a connection pooler stands before the server
	doubt   bool  // a statement outside of a transaction was begun, and what became of it is not known
	blind   bool  // the lag of standbys is not shown to the role, and that was said
	lock    lock
	locked  bool
	facts   facts
	entries []migrate.Entry // history as it is now, as far as this run knows

	plan     *migrate.Plan
	report   *Report
	watch    *watcher
	started  time.Time
	begun    time.Time // the step that runs
	observer sync.Mutex

	hooks     map[string][]hook // by event
	companion Companion
	beside    *wire // holds the companion's locks
}

func newRunner(to Connector, migrations []*migrate.Migration, o Options) *runner {
	o = o.filled()
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	r := &runner{
		o: o, connector: to, migrations: copies(migrations), store: store{table: o.History, role: o.Role},
		runID: hex.EncodeToString(id), lock: lock{key: o.History.Key()}, started: time.Now(),
	}
	r.begun = r.started
	r.watch = newWatcher(r)
	return r
}

// copies lets several runs share migrations: planning keeps in a script what it finds out about it.
func copies(migrations []*migrate.Migration) []*migrate.Migration {
	list := make([]*migrate.Migration, len(migrations))
	for i, m := range migrations {
		c := *m
		for _, s := range []**migrate.Script{&c.Up, &c.Down} {
			if *s != nil {
				script := **s
				*s = &script
			}
		}
		list[i] = &c
	}
	return list
}

// open makes a connection.
func (r *runner) open(ctx context.Context) (*wire, error) {
	conn, err := r.connector(ctx)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, pg: conn.PgConn(), grace: r.o.CancelGrace}, nil
}

// connect opens the connection that does the work and reads the history.
func (r *runner) connect(ctx context.Context) error {
	w, err := r.open(ctx)
	if err != nil {
		return err
	}
	r.main = w
	return r.read(ctx)
}

// read reads the history, and asks the server whether a pooler is in between:
// then the process that answers is not the one that the connection was told of.
func (r *runner) read(ctx context.Context) error {
	f, entries, err := r.store.read(ctx, r.main)
	if err != nil {
		return statementPooling(err)
	}
	r.facts, r.entries = f, entries
	r.pooled = f.pid != r.main.pg.PID()
	return nil
}

// close ends the connections, and with them the lock.
func (r *runner) close() {
	r.watch.close()
	r.release(context.Background())
	if r.main != nil {
		r.main.close()
	}
	if r.lock.holder != nil {
		r.lock.holder.close()
	}
	if r.beside != nil {
		r.beside.close()
	}
}

// tell informs the observer, one call at a time.
func (r *runner) tell(p migrate.Progress) {
	if r.o.Observer == nil {
		return
	}
	r.observer.Lock()
	defer r.observer.Unlock()
	if r.plan != nil {
		p.Total = len(r.plan.Steps)
	}
	r.o.Observer(p)
}

// warn informs the observer and the report.
func (r *runner) warn(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if r.report != nil {
		r.report.Warnings = append(r.report.Warnings, message)
	}
	r.tell(migrate.Progress{Kind: migrate.Warning, Message: message})
}

// planner makes the plan of a run from the history as it is.
type planner func(ctx context.Context) (*migrate.Plan, error)

// request is the planner of an ordinary run.
func (r *runner) request(request migrate.Request) planner {
	return func(ctx context.Context) (*migrate.Plan, error) {
		if request.KeptDown == nil {
			request.KeptDown = func(e migrate.Entry) (*migrate.Script, error) { return r.store.keptDown(ctx, r.main, e) }
		}
		return migrate.NewPlan(r.migrations, migrate.Fold(r.entries), request)
	}
}

// run plans, takes the lock, plans again and carries it out.
func (r *runner) run(ctx context.Context, plan planner) (*Report, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	p, err := plan(ctx)
	if err != nil && !errors.Is(err, migrate.ErrInterrupted) { // another run may be in the middle of what looks interrupted
		return nil, err
	}
	if err == nil {
		if r.adoptPlan(p); len(p.Steps) == 0 || r.o.Mode == DryRun {
			return r.report, nil
		}
	} else if r.o.Mode == DryRun {
		return nil, err
	}
	if r.facts.standby || r.facts.readOnly {
		return r.report, readOnly(r.facts)
	}
	if err := r.take(ctx); err != nil {
		return r.report, err
	}
	if p, err = plan(ctx); err != nil {
		return nil, err
	}
	if r.adoptPlan(p); len(p.Steps) == 0 {
		return r.report, nil
	}
	err = r.carryOut(ctx)
	r.report.History = migrate.Fold(r.entries)
	r.report.To = r.report.History.Current()
	r.report.Duration = time.Since(r.started)
	if err != nil {
		r.report.Error = errorReport(err)
	}
	r.tell(migrate.Progress{Kind: migrate.RunDone, Elapsed: r.report.Duration, Err: err})
	return r.report, err
}

func readOnly(f facts) error {
	if f.standby {
		return fmt.Errorf("%w: database %s is on a standby; connect to the primary (target_session_attrs=read-write)", ErrReadOnly, f.database)
	}
	return fmt.Errorf("%w: default_transaction_read_only is on for database %s or role %s", ErrReadOnly, f.database, f.user)
}

func (r *runner) adoptPlan(p *migrate.Plan) {
	warnings := []string(nil)
	if r.report != nil {
		warnings = r.report.Warnings
	}
	r.plan, r.report = p, newReport(r.runID, p)
	r.report.Warnings = warnings
}

// take takes the lock, makes sure of the history table and reads it again.
func (r *runner) take(ctx context.Context) error {
	if err := r.acquire(ctx); err != nil {
		return err
	}
	r.locked = true
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.store.ensure(ctx, r.main, r.facts, r.fence()); err != nil {
		return err
	}
	return r.findCompanion(ctx)
}

// carryOut runs the plan's steps.
func (r *runner) carryOut(ctx context.Context) error {
	r.tell(migrate.Progress{Kind: migrate.RunStarted})
	if err := r.readHooks(); err != nil {
		return err
	}
	if err := r.preflight(ctx); err != nil {
		return err
	}
	for i := 0; i < len(r.plan.Steps); {
		if err := r.hooksBefore(ctx, i); err != nil {
			return err
		}
		n, err := r.advance(ctx, i)
		i += n
		if err != nil {
			return r.failed(ctx, i, err)
		}
	}
	return r.hooksAfter(ctx)
}

// advance runs the step i and as many after it as can be sent along, and says how many succeeded.
func (r *runner) advance(ctx context.Context, i int) (int, error) {
	if err := r.throttle(ctx, i); err != nil {
		return 0, err
	}
	if !r.plan.Steps[i].Transactional {
		n, err := r.stepwise(ctx, i)
		var lost *broken
		if errors.As(err, &lost) {
			err = atStep(&r.plan.Steps[i], "the next run goes on where this one stopped", err)
		}
		return n, err
	}
	return r.transactional(ctx, i)
}

// failed ends a run at a step: the failure goes to history in a transaction of its own.
func (r *runner) failed(ctx context.Context, i int, err error) error {
	if i == len(r.plan.Steps) { // every step is done; what failed came after
		return err
	}
	step, report := &r.plan.Steps[i], &r.report.Steps[i]
	report.State = StepFailed
	if !step.Transactional {
		report.State = StepInterrupted
	}
	if errors.Is(err, ErrOutcomeUnknown) {
		report.State = StepUnknown
	}
	elapsed := time.Since(r.begun)
	report.DurationMS = float64(elapsed.Microseconds()) / 1000
	r.tell(migrate.Progress{Kind: migrate.StepFailed, Step: step, Number: i + 1, Err: err, Elapsed: elapsed, Retry: report.Retries})
	if r.main.open() && !r.doubt && !known(err) { // a recorded failure would end the doubt
		r.recordFailure(ctx, i, err)
		r.hooksFailed(ctx, i)
	}
	return err
}

// recordFailure is best effort: the failure itself is what the caller gets to know.
func (r *runner) recordFailure(ctx context.Context, i int, err error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), r.o.CancelGrace)
	defer done()
	step := &r.plan.Steps[i]
	e := r.entry(step, migrate.Failed)
	e.Error, e.Retries = err.Error(), r.report.Steps[i].Retries
	var located *migrate.StatementError
	if errors.As(err, &located) {
		e.Statement = located.Number
	}
	rollBack(ctx, r.main)
	if err := r.add(ctx, e, scripts{}); err != nil {
		r.warn("the failure could not be recorded in history: %v", err)
	}
}

// add writes one row in a transaction of its own, with other statements.
func (r *runner) add(ctx context.Context, e migrate.Entry, kept scripts, with ...string) error {
	sql := "BEGIN;\n" + r.asHistorian()
	if e.Event != migrate.Failed {
		for _, fence := range r.fence() {
			sql += fence + ";\n"
		}
	}
	also := strings.Join(with, ";\n")
	if also != "" {
		also += ";\n"
	}
	sql += also + r.store.insertSQL(&e, given, kept) + " RETURNING id;\nCOMMIT"
	reply, err := again(ctx, r.main, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		rollBack(ctx, r.main)
		if pg.Code == codeDivisionByZero {
			return fmt.Errorf("%w: another run may have begun", ErrLockLost)
		}
	}
	if err != nil {
		return describe(r.store.explain(err), "writing history")
	}
	e.ID, e.At = number(reply.rows[len(reply.rows)-1][0]), time.Now()
	r.entries = append(r.entries, e)
	return nil
}

func roleOrNone(role string) string {
	if role == "" {
		return "NONE"
	}
	return ddl.QuoteIdent(role)
}

// asHistorian begins the writing of a row inside a transaction, whatever role a script took.
func (r *runner) asHistorian() string {
	return "SET LOCAL SESSION AUTHORIZATION DEFAULT;\nSET LOCAL ROLE " + roleOrNone(r.o.Role) + ";\n"
}

// entry is a history row for a step, without what only its event has.
func (r *runner) entry(step *migrate.Step, event migrate.Event) migrate.Entry {
	m := step.Migration
	e := migrate.Entry{
		RunID: r.runID, Event: event, Direction: step.Direction, Version: m.Version, Name: m.Name, Kind: m.Kind,
		Statements: step.Count, Note: r.o.Reason,
	}
	if step.Script != nil {
		e.File, e.Checksum = step.Script.File, step.Script.Checksum
	}
	return r.signed(e)
}

// known tells errors that say that history could not be written.
func known(err error) bool {
	return errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrLockLost)
}

package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// stepwise runs a script that cannot be one transaction, statement by statement.
// What can run in a transaction does, together with the row that says so; of
// the rest, one row goes before and one after. So a later run knows where to go on.
func (r *runner) stepwise(ctx context.Context, i int) (int, error) {
	step := &r.plan.Steps[i]
	r.begin(i)
	defer r.watch.idle()
	if err := r.possible(step); err != nil {
		return 0, err
	}
	if err := r.runHooks(ctx, i, each(step.Direction, migrate.BeforeEachMigrate, migrate.BeforeEachUndo)); err != nil {
		return 0, err
	}
	started := time.Now()
	if step.Resume == 0 {
		kept, err := keptScripts(step.Migration)
		if err != nil {
			return 0, err
		}
		if step.Direction == migrate.Down {
			kept = scripts{}
		}
		if err := r.add(ctx, r.entry(step, migrate.Started), kept); err != nil {
			return 0, err
		}
	}
	if err := r.prepare(ctx, step, r.sessionSQL(step)); err != nil {
		return 0, err
	}
	w := &walk{r: r, i: i, step: step, from: max(step.Resume, 1), again: step.Resume > 0}
	if step.Doubt {
		w.from, w.doubt = step.Resume-1, true
	}
	r.doubt = step.Doubt
	err := w.toEnd(ctx)
	if err == nil {
		err = r.complete(ctx, i, started)
	}
	if r.main.open() {
		rollBack(ctx, r.main)
		if reset := r.resetSession(context.WithoutCancel(ctx)); reset != nil && err == nil {
			return 1, reset
		}
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// complete records that every statement is done.
func (r *runner) complete(ctx context.Context, i int, started time.Time) error {
	step := &r.plan.Steps[i]
	e := r.entry(step, ended(step))
	e.Duration, e.Retries = time.Since(started), r.report.Steps[i].Retries
	kept := scripts{}
	if step.Direction == migrate.Up {
		var err error
		if kept, err = keptScripts(step.Migration); err != nil {
			return err
		}
	}
	if after := each(step.Direction, migrate.AfterEachMigrate, migrate.AfterEachUndo); len(r.hooks[after]) > 0 {
		if err := r.resetSession(ctx); err != nil {
			return err
		}
		if err := r.runHooks(ctx, i, after); err != nil {
			return err
		}
	}
	mirrored, err := r.mirrored(step)
	if err != nil {
		return err
	}
	if err := r.add(ctx, e, kept, mirrored...); err != nil {
		return err
	}
	id := r.entries[len(r.entries)-1].ID
	r.entries = r.entries[:len(r.entries)-1]
	r.done(i, id, e.Duration)
	if i == len(r.plan.Steps)-1 {
		_, err := r.main.exec(ctx, r.announcement())
		return err
	}
	return nil
}

// possible refuses what cannot be run so that a second run could go on.
func (r *runner) possible(step *migrate.Step) error {
	for _, st := range step.Statements {
		if st.Class.Transaction == ddl.Control && (st.Class.Verb == "PREPARE TRANSACTION" || chains(st)) {
			return r.refuse(step, st, "a run that is interrupted here could not go on; write COMMIT and BEGIN")
		}
		if r.pooled && sticks(st) {
			return fmt.Errorf("%w: %w", ErrPooled, r.refuse(step, st, "it would stay with a session that others share: connect straight to the server for this migration"))
		}
	}
	if r.pooled && (r.o.Role != "" || r.o.SearchPath != "" || len(r.o.Settings) > 0) {
		return fmt.Errorf("%w: %s runs outside of a transaction (%s), where role, search_path and settings cannot be set for one statement alone; connect straight to the server for this migration", ErrPooled, step.Script.File, step.Reason)
	}
	return nil
}

func (r *runner) refuse(step *migrate.Step, st ddl.Statement, why string) error {
	return &migrate.ScriptError{File: step.Script.File, Line: step.Script.FileLine(st.Line), Column: st.Column, Err: errors.New(why)}
}

// chains tells COMMIT or ROLLBACK AND CHAIN.
func chains(st ddl.Statement) bool {
	var before ddl.Token
	for t := range ddl.Tokens(st.SQL) {
		if t.Trivia() {
			continue
		}
		if t.Is("CHAIN") {
			return before.Is("AND")
		}
		before = t
	}
	return false
}

// sticks tells statements whose effect is on the session alone: they have to
// be run again when a later run goes on after them.
func sticks(st ddl.Statement) bool {
	switch st.Class.Verb {
	case "SET":
		local := false
		n := 0
		for t := range ddl.Tokens(st.SQL) {
			if !t.Trivia() {
				if n++; n == 2 {
					local = t.Is("LOCAL")
					break
				}
			}
		}
		return !local
	case "RESET", "LISTEN":
		return true
	}
	return false
}

// sessionSQL sets the session up for statements outside of a transaction. A
// pooled session is left alone: it belongs to others, too.
func (r *runner) sessionSQL(step *migrate.Step) string {
	if r.pooled {
		return "SELECT 1"
	}
	var b strings.Builder
	for _, s := range r.session(step) {
		fmt.Fprintf(&b, "SET %s = %s;\n", s.name, s.value)
	}
	if t := r.statementTimeout(step); t > 0 {
		fmt.Fprintf(&b, "SET statement_timeout = %d;\n", t.Milliseconds())
	}
	fmt.Fprintf(&b, "SET lock_timeout = %d", r.lockTimeout(step).Milliseconds())
	if r.o.Role != "" {
		b.WriteString(";\nSET ROLE " + ddl.QuoteIdent(r.o.Role))
	}
	return b.String()
}

// resetSession puts a session back after statements outside of a transaction,
// advisory locks of theirs included.
func (r *runner) resetSession(ctx context.Context) error {
	if r.pooled {
		return nil
	}
	if _, err := again(ctx, r.main, strings.Join(resetting, ";\n")); err != nil {
		return describe(err, "resetting the session")
	}
	for range 100 { // a lock may have been taken several times over
		reply, err := again(ctx, r.main, `SELECT CASE WHEN objsubid = 1 THEN CASE WHEN mode = 'ShareLock' THEN pg_catalog.pg_advisory_unlock_shared(k) ELSE pg_catalog.pg_advisory_unlock(k) END
 WHEN mode = 'ShareLock' THEN pg_catalog.pg_advisory_unlock_shared(a, b) ELSE pg_catalog.pg_advisory_unlock(a, b) END
 FROM (SELECT mode, objsubid, (classid::bigint << 32) | objid::bigint AS k, classid::bigint::bit(32)::int AS a, objid::bigint::bit(32)::int AS b
 FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'advisory' AND granted) l
 WHERE objsubid <> 1 OR k <> `+strconv.FormatInt(r.lock.key, 10))
		if err != nil {
			return describe(err, "resetting the session")
		}
		if len(reply.rows) == 0 {
			break
		}
	}
	return r.stillLocked(ctx)
}

// stillLocked makes sure that a script did not give the run's lock away.
func (r *runner) stillLocked(ctx context.Context) error {
	reply, err := again(ctx, r.main, "SELECT count(*) FROM pg_catalog.pg_locks WHERE granted AND pid = pg_catalog.pg_backend_pid() AND "+mine(r.lock.key))
	if err != nil {
		return describe(err, "looking for the run lock")
	}
	if text(reply.rows[0][0]) != "0" {
		return nil
	}
	ok, err := r.tryLock(ctx)
	if err != nil {
		return describe(err, "taking the run lock again")
	}
	if !ok {
		return fmt.Errorf("%w: a script released every advisory lock of its session, and another run has taken it", ErrLockLost)
	}
	return nil
}

// walk goes through a non-transactional script.
type walk struct {
	r     *runner
	i     int
	step  *migrate.Step
	from  int  // number of the first statement to run
	again bool // an earlier attempt was made on the statement from
	doubt bool // and what became of it is not known

	block int // number of the BEGIN of the script's own transaction; 0 outside of one
}

// toEnd walks on, and starts anew from the last statement that was not done
// when a lock was not to be had.
func (w *walk) toEnd(ctx context.Context) error {
	retry := w.r.newRetry()
	from := w.from
	for {
		err := w.once(ctx)
		if err == nil || !retryable(err) || ctx.Err() != nil || !w.r.main.open() {
			return err
		}
		rollBack(ctx, w.r.main)
		w.block = 0
		if w.from > from {
			from, retry = w.from, w.r.newRetry()
		}
		w.again, w.doubt = true, false
		if err := retry.wait(ctx, w.i, err); err != nil {
			return err
		}
	}
}

func (w *walk) once(ctx context.Context) error {
	if w.step.Script.Run != nil {
		return w.function(ctx)
	}
	script, err := openScript(w.step)
	if err != nil {
		return err
	}
	defer script.close()
	for {
		st, number, err := script.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if number < w.from {
			if sticks(st) && !w.r.pooled {
				if err := w.r.send(ctx, w.step, []ddl.Statement{st}, number); err != nil {
					return err
				}
			}
			continue
		}
		if w.block == 0 {
			if err := w.r.throttle(ctx, w.i); err != nil {
				return err
			}
		}
		w.r.statement(w.i, number, st.SQL)
		if err := w.statement(ctx, script, st, number); err != nil {
			return err
		}
	}
	if w.block > 0 {
		return &migrate.ScriptError{File: w.step.Script.File, Err: fmt.Errorf("the transaction that statement %d begins has no end", w.block)}
	}
	return nil
}

// statement runs one statement and leaves it recorded, or inside the script's own transaction.
func (w *walk) statement(ctx context.Context, script *reader, st ddl.Statement, number int) error {
	verb := st.Class.Verb
	switch {
	case w.block > 0:
		return w.inBlock(ctx, script, st, number)
	case verb == "BEGIN" || verb == "START TRANSACTION":
		w.block = number
		return w.r.send(ctx, w.step, []ddl.Statement{st}, number)
	case st.Class.Transaction == ddl.InTransaction:
		return w.atomic(ctx, script, st, number)
	case st.Class.Transaction == ddl.Maybe && !w.doubt:
		err := w.atomic(ctx, script, st, number)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && (pg.Code == codeInvalidTermination || pg.Code == codeActiveTransaction) {
			rollBack(ctx, w.r.main)
			return w.bare(ctx, st, number)
		}
		return err
	}
	return w.bare(ctx, st, number)
}

const (
	codeInvalidTermination = "2D000" // COMMIT inside a DO or CALL that runs in a transaction
	codeActiveTransaction  = "25001"
)

// run executes a statement with its rows.
func (w *walk) run(ctx context.Context, script *reader, st ddl.Statement, number int) error {
	if st.Copy {
		return w.r.copyRows(ctx, w.step, st, number, script.rows())
	}
	return w.r.send(ctx, w.step, []ddl.Statement{st}, number)
}

// recorded moves on to the next statement.
func (w *walk) recorded(number int) {
	e := w.r.entry(w.step, migrate.StatementDone)
	e.Statement = number
	w.r.entries = append(w.r.entries, e)
	w.r.doubt = false
	w.from, w.again, w.doubt = number+1, false, false
}

// doneSQL is the row that says that a statement is done, for the transaction that it is part of.
func (w *walk) doneSQL(number int) string {
	e := w.r.entry(w.step, migrate.StatementDone)
	e.Statement = number
	sql := w.r.asHistorian() + w.r.store.insertSQL(&e, byBegin, scripts{})
	return strings.Join(append(w.r.fence(), sql), ";\n")
}

// atomic runs a statement in one transaction with its row.
func (w *walk) atomic(ctx context.Context, script *reader, st ddl.Statement, number int) error {
	opening := "BEGIN"
	if w.r.pooled {
		opening = w.r.opening(w.step)
	}
	p := firstPair([]ddl.Statement{st})
	if p != nil {
		p.number = number
	}
	_, err := w.r.main.exec(ctx, opening+w.r.lockPair(w.step, p))
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return withCause(ctx, pg, w.r.openingFailure(w.step, p, pg))
	}
	if err != nil {
		return err
	}
	if err := w.run(ctx, script, st, number); err != nil {
		return err
	}
	return w.commit(ctx, "COMMIT", number)
}

// commit ends a transaction with the row of its last statement. When the
// connection breaks meanwhile, history tells whether it did.
func (w *walk) commit(ctx context.Context, commit string, number int) error {
	_, err := w.r.main.exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE;\n"+w.doneSQL(number)+";\n"+commit)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		w.recorded(number)
		return nil
	case errors.As(err, &pg) && w.r.main.open():
		return withCause(ctx, pg, atStep(w.step, fmt.Sprintf("committing statement %d", number), w.r.store.explain(pg)))
	}
	return err
}

// inBlock runs a statement of a transaction that the script brings along.
func (w *walk) inBlock(ctx context.Context, script *reader, st ddl.Statement, number int) error {
	switch st.Class.Verb {
	case "COMMIT", "END":
		if err := w.commit(ctx, st.SQL, number); err != nil {
			return err
		}
		w.block = 0
		return nil
	case "ROLLBACK", "ABORT":
		if err := w.run(ctx, script, st, number); err != nil {
			return err
		}
		w.block = 0
		return w.record(ctx, migrate.StatementDone, number, "")
	}
	return w.run(ctx, script, st, number)
}

// record writes a statement's row in a transaction of its own.
func (w *walk) record(ctx context.Context, event migrate.Event, number int, note string) error {
	e := w.r.entry(w.step, event)
	e.Statement, e.Note = number, note
	if err := w.r.add(ctx, e, scripts{}); err != nil {
		return err
	}
	w.r.doubt = event == migrate.StatementBegun
	if event == migrate.StatementDone {
		w.from, w.again, w.doubt = number+1, false, false
	}
	return nil
}

// bare runs a statement outside of any transaction, a row before and one after.
func (w *walk) bare(ctx context.Context, st ddl.Statement, number int) error {
	found, err := w.examine(ctx, st, number)
	if err != nil {
		return err
	}
	if found.done {
		w.r.warn("statement %d of %s had taken effect already: %s", number, w.step.Script.File, found.evidence)
		return w.record(ctx, migrate.StatementDone, number, found.evidence)
	}
	if err := w.record(ctx, migrate.StatementBegun, number, found.before); err != nil {
		return err
	}
	if !w.r.pooled && st.Class.Concurrently {
		// A timeout would leave an invalid index or a half detached partition behind.
		limits := "SET lock_timeout = 0"
		if w.step.Script.Header.StatementTimeout == nil {
			limits += ";\nSET statement_timeout = 0"
		}
		if err := w.r.prepare(ctx, w.step, limits); err != nil {
			return err
		}
	}
	err = w.r.send(ctx, w.step, []ddl.Statement{st}, number)
	w.settled(err)
	if err != nil {
		return err
	}
	if err := w.record(ctx, migrate.StatementDone, number, ""); err != nil {
		return err
	}
	if !w.r.pooled && st.Class.Concurrently {
		limits := fmt.Sprintf("SET lock_timeout = %d", w.r.lockTimeout(w.step).Milliseconds())
		if t := w.r.statementTimeout(w.step); t > 0 {
			limits += fmt.Sprintf(";\nSET statement_timeout = %d", t.Milliseconds())
		} else if w.step.Script.Header.StatementTimeout == nil {
			limits += ";\nRESET statement_timeout"
		}
		return w.r.prepare(ctx, w.step, limits)
	}
	return nil
}

// settled ends the doubt about a statement that the server refused, or that was not sent.
func (w *walk) settled(err error) {
	var lost *broken
	if err != nil && !errors.As(err, &lost) {
		w.r.doubt = false
	}
}

// function runs a migration written in Go that takes a connection.
func (w *walk) function(ctx context.Context) error {
	if w.from > 1 {
		return nil
	}
	if w.doubt {
		return w.undecided(1, "a Go function leaves no trace that could be looked for")
	}
	if err := w.record(ctx, migrate.StatementBegun, 1, ""); err != nil {
		return err
	}
	err := w.call(ctx)
	w.settled(err)
	if err != nil {
		return err
	}
	return w.record(ctx, migrate.StatementDone, 1, "")
}

func (w *walk) call(ctx context.Context) error {
	conn := w.r.main.conn
	if err := conn.DeallocateAll(ctx); err != nil {
		return w.r.brokenOr(err)
	}
	if err := w.step.Script.Run.Conn(ctx, conn); err != nil {
		return w.r.brokenOr(atStep(w.step, "the function failed", err))
	}
	if !w.r.main.open() {
		return &broken{errors.New("the function closed it")}
	}
	if w.r.main.pg.TxStatus() != 'I' {
		return atStep(w.step, "the function left a transaction open", errors.New("it has to commit what it begins"))
	}
	return nil
}

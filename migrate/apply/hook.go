package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema/ddl"
)

// hook is a script that runs at an event, with its statements.
type hook struct {
	source.Hook
	statements []ddl.Statement
}

// readHooks reads the hooks' statements, all of which have to run in a transaction.
func (r *runner) readHooks() error {
	r.hooks = map[string][]hook{}
	for _, h := range r.o.Hooks {
		text, err := readAll(h.Script)
		if err != nil {
			return err
		}
		statements, err := ddl.Split(text)
		if err != nil {
			return &migrate.ScriptError{File: h.Script.File, Err: err}
		}
		if inner, ok := ddl.Enclosure(statements); ok {
			statements = inner
		}
		for _, st := range statements {
			if st.Copy || st.Class.Transaction == ddl.Outside || st.Class.Transaction == ddl.Control {
				return &migrate.ScriptError{File: h.Script.File, Line: h.Script.FileLine(st.Line), Column: st.Column, Err: fmt.Errorf("a hook runs in a transaction, where %s is not possible", orElse(st.Class.Verb, "this"))}
			}
		}
		r.hooks[h.Event] = append(r.hooks[h.Event], hook{h, statements})
	}
	return nil
}

// each is the event around a step of this direction, before or after it.
func each(d migrate.Direction, up, down string) string {
	if d == migrate.Down {
		return down
	}
	return up
}

// beforeEach is the SQL of the hooks before a step, each statement ended.
func (r *runner) beforeEach(step *migrate.Step) string {
	var b strings.Builder
	for _, h := range r.hooks[each(step.Direction, migrate.BeforeEachMigrate, migrate.BeforeEachUndo)] {
		for _, st := range h.statements {
			b.WriteString(st.SQL + ";\n")
		}
	}
	return b.String()
}

// preparing is what the opening of a step does, for an error.
func (r *runner) preparing(step *migrate.Step) string {
	if hooks := r.hooks[each(step.Direction, migrate.BeforeEachMigrate, migrate.BeforeEachUndo)]; len(hooks) > 0 {
		return "running " + hooks[0].Script.File + " and what else comes before it"
	}
	return "preparing the session"
}

// afterEach is the statements of the hooks after a step.
func (r *runner) afterEach(step *migrate.Step) []string {
	var list []string
	for _, h := range r.hooks[each(step.Direction, migrate.AfterEachMigrate, migrate.AfterEachUndo)] {
		for _, st := range h.statements {
			list = append(list, st.SQL)
		}
	}
	return list
}

// boundary tells whether hooks stand between the step i and the one before.
func (r *runner) boundary(i int) bool {
	return len(r.hooks) > 0 && i > 0 && (r.plan.Steps[i].Direction != r.plan.Steps[i-1].Direction || repeats(&r.plan.Steps[i]) != repeats(&r.plan.Steps[i-1]))
}

func repeats(s *migrate.Step) bool { return s.Migration.Kind == migrate.Repeatable }

// hooksBefore runs the hooks that stand before the step i, outside of its transaction.
func (r *runner) hooksBefore(ctx context.Context, i int) error {
	if len(r.hooks) == 0 || i > 0 && !r.boundary(i) {
		return nil
	}
	step := &r.plan.Steps[i]
	var events []string
	turned := i == 0 || r.plan.Steps[i-1].Direction != step.Direction
	if turned {
		if i > 0 {
			events = append(events, r.ending(i-1)...)
		}
		events = append(events, each(step.Direction, migrate.BeforeMigrate, migrate.BeforeUndo))
	} else if step.Direction == migrate.Up && repeats(step) {
		events = append(events, migrate.AfterVersioned)
	}
	if step.Direction == migrate.Up && repeats(step) {
		events = append(events, migrate.BeforeRepeatables)
	}
	return r.runHooks(ctx, i, events...)
}

// ending are the events after the last step of a direction.
func (r *runner) ending(i int) []string {
	step := &r.plan.Steps[i]
	if step.Direction == migrate.Down {
		return []string{migrate.AfterUndo}
	}
	if repeats(step) {
		return []string{migrate.AfterMigrate, migrate.AfterMigrateApplied}
	}
	return []string{migrate.AfterVersioned, migrate.AfterMigrate, migrate.AfterMigrateApplied}
}

// hooksAfter runs the hooks after the last step.
func (r *runner) hooksAfter(ctx context.Context) error {
	last := len(r.plan.Steps) - 1
	return r.runHooks(ctx, last, r.ending(last)...)
}

// hooksFailed runs the hooks for a step that failed. Their own failure is a warning.
func (r *runner) hooksFailed(ctx context.Context, i int) {
	if len(r.hooks) == 0 || !r.main.open() {
		return
	}
	d := r.plan.Steps[i].Direction
	err := r.runHooks(context.WithoutCancel(ctx), i, each(d, migrate.AfterEachMigrateError, migrate.AfterEachUndoError), each(d, migrate.AfterMigrateError, migrate.AfterUndoError))
	if err != nil {
		r.warn("a hook failed: %v", err)
	}
}

// runHooks runs the hooks of events, each in a transaction of its own, again
// while locks are not to be had.
func (r *runner) runHooks(ctx context.Context, i int, events ...string) error {
	for _, event := range events {
		for _, h := range r.hooks[event] {
			retry := r.newRetry()
			for {
				err := r.runHook(ctx, h)
				if err == nil {
					break
				}
				if !retryable(err) || ctx.Err() != nil || !r.main.open() {
					return err
				}
				if err := retry.wait(ctx, i, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *runner) runHook(ctx context.Context, h hook) error {
	step := &migrate.Step{Migration: &migrate.Migration{Name: h.Event}, Direction: migrate.Up, Script: h.Script}
	if _, err := r.main.exec(ctx, r.preamble(step)); err != nil {
		rollBack(ctx, r.main)
		return describe(err, "beginning the hook %s", h.Script.File)
	}
	if err := r.send(ctx, step, h.statements, 1); err != nil {
		rollBack(ctx, r.main)
		return describe(err, "running the hook %s", h.Script.File)
	}
	_, err := r.main.exec(ctx, strings.Join(resetting, ";\n")+";\nCOMMIT")
	if err != nil {
		rollBack(ctx, r.main)
		return describe(err, "ending the hook %s", h.Script.File)
	}
	return nil
}

// hookFailed names the hook whose statement failed inside of a step's transaction.
func (r *runner) hookFailed(step *migrate.Step, index int, pg *pgconn.PgError) error {
	for _, h := range r.hooks[each(step.Direction, migrate.AfterEachMigrate, migrate.AfterEachUndo)] {
		if index < len(h.statements) {
			of := &migrate.Step{Migration: step.Migration, Direction: step.Direction, Script: h.Script}
			return describe(migrate.ErrorAt(of, h.statements[index], pg), "running the hook %s", h.Script.File)
		}
		index -= len(h.statements)
	}
	return errors.Join(io.ErrUnexpectedEOF, pg) // the index is of one of them
}

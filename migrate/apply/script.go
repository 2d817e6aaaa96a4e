package apply

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// WriteScript writes a plan as a script that a person can run with
//
//	psql -X -f
//
// in place of kedge: the same statements from the same session settings, each
// migration in a transaction with its history row. What kedge decides while it
// runs is not in it: retries, waiting for standbys, going on after a crash.
func WriteScript(w io.Writer, plan *migrate.Plan, o Options) error {
	r := newRunner(nil, nil, o)
	r.adoptPlan(plan)
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "-- kedge: %s from %s to %s, plan %s\n", plan.Direction, orNone(plan.From), orNone(plan.To), plan.Digest())
	out.WriteString("\\set ON_ERROR_STOP on\n\n-- Fails with a division by zero while a run of kedge holds the lock.\n")
	fmt.Fprintf(out, "SELECT 1/pg_catalog.pg_try_advisory_lock(%d)::int AS lock;\n\n", r.lock.key)
	out.WriteString(r.store.createIfMissingSQL())
	for i := range plan.Steps {
		if err := r.writeStep(out, i); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nSELECT pg_catalog.pg_advisory_unlock(%d);\n", r.lock.key)
	return out.Flush()
}

func orNone(v migrate.Version) string {
	if v == "" {
		return "nothing"
	}
	return string(v)
}

// createIfMissingSQL makes the history table unless it is there.
func (s store) createIfMissingSQL() string {
	sql := s.createSQL(facts{hasSchema: true}, nil)
	sql = strings.Replace(sql, "BEGIN;\n", "BEGIN;\nCREATE SCHEMA IF NOT EXISTS "+ddl.QuoteIdent(s.table.schema())+";\n", 1)
	return strings.Replace(sql, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1) + ";\n"
}

func (r *runner) writeStep(out *bufio.Writer, i int) error {
	step := &r.plan.Steps[i]
	fmt.Fprintf(out, "\n-- %s %s %s\n", step.Direction, step.Migration.Key(), step.Migration.Name)
	if step.Script == nil || step.Script.Run != nil {
		return fmt.Errorf("writing the script: %s is written in Go and cannot be run by hand", step.Migration.Key())
	}
	e := r.entry(step, ended(step))
	kept := scripts{}
	if step.Direction == migrate.Up {
		var err error
		if kept, err = keptScripts(step.Migration); err != nil {
			return err
		}
	}
	if step.Transactional {
		out.WriteString(r.opening(step) + ";\n")
		if err := r.writeStatements(out, step); err != nil {
			return err
		}
		out.WriteString("SET CONSTRAINTS ALL IMMEDIATE;\n" + strings.Join(resetting, ";\n") + ";\n" + r.store.asRole())
		out.WriteString(r.store.insertSQL(&e, byBegin, kept) + ";\nCOMMIT;\n")
		return nil
	}
	fmt.Fprintf(out, "-- not in a transaction: %s\n", step.Reason)
	if r.o.Role != "" {
		out.WriteString("SET ROLE " + ddl.QuoteIdent(r.o.Role) + ";\n")
	}
	for _, s := range r.session(step) {
		fmt.Fprintf(out, "SET %s = %s;\n", s.name, s.value)
	}
	started := r.entry(step, migrate.Started)
	out.WriteString(r.store.insertSQL(&started, 0, scripts{}) + ";\n")
	if err := r.writeStatements(out, step); err != nil {
		return err
	}
	out.WriteString("RESET ALL;\n" + r.store.insertSQL(&e, 0, kept) + ";\nRESET ROLE;\n")
	return nil
}

// writeStatements copies a script's statements and COPY data from where the
// step goes on, without an enclosing BEGIN and COMMIT.
func (r *runner) writeStatements(out *bufio.Writer, step *migrate.Step) error {
	source, err := step.Script.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", step.Script.File, err)
	}
	defer source.Close()
	scanner := ddl.NewScanner(source)
	number, skipping := 0, false
	if step.Enclosed {
		number = -1
	}
	for {
		p, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = p.Refusal()
		}
		if err != nil {
			return &migrate.ScriptError{File: step.Script.File, Err: err}
		}
		switch p.Kind {
		case ddl.StatementPiece:
			number++
			skipping = number < 1 || number < step.Resume || step.Enclosed && number > step.Count
			if !skipping {
				out.WriteString(p.Statement().SQL + ";\n")
			}
		case ddl.CopyData:
			if !skipping {
				out.WriteString(p.Text)
			}
		}
	}
}

package apply

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// pair is a statement that locks two tables or more, one while it waits for the other.
type pair struct {
	statement ddl.Statement
	number    int // of the statement, from 1
	tables    []string
}

// firstPair is the first statement of a script that adds foreign keys, unless
// one before it works on tables that are there: their locks would be held for longer.
func firstPair(statements []ddl.Statement) *pair {
	for i, st := range statements {
		if tables := joined(st); len(tables) > 1 {
			return &pair{statement: st, number: i + 1, tables: tables}
		}
		switch st.Class.Verb {
		case "CREATE TABLE", "CREATE TYPE", "CREATE DOMAIN", "CREATE SCHEMA", "CREATE SEQUENCE", "COMMENT":
		default:
			return nil
		}
	}
	return nil
}

// joined are the tables that a statement locks in SHARE ROW EXCLUSIVE mode to
// add foreign keys (https://www.postgresql.org/docs/current/sql-altertable.html).
// Tables that it creates, nobody else waits for.
func joined(st ddl.Statement) []string {
	if !strings.HasPrefix(st.Class.Verb, "ALTER TABLE") && st.Class.Verb != "CREATE TABLE" {
		return nil
	}
	node, err := st.Parse()
	if err != nil {
		return nil
	}
	var tables []string
	add := func(list []ddl.Constraint) {
		for _, c := range list {
			if c.Kind == ddl.ForeignKey && c.References != nil && !c.References.Table.IsZero() {
				tables = append(tables, c.References.Table.String())
			}
		}
	}
	switch n := node.(type) {
	case *ddl.AlterTable:
		for _, c := range n.Commands {
			if c.Action == ddl.AddConstraint && c.Constraint != nil {
				add([]ddl.Constraint{*c.Constraint})
			}
			if c.Action == ddl.AddColumn && c.Definition != nil {
				add(c.Definition.Constraints)
			}
		}
		if len(tables) > 0 {
			tables = append([]string{n.Name.String()}, tables...)
		}
	case *ddl.CreateTable:
		add(n.Constraints)
		for _, c := range n.Columns {
			add(c.Constraints)
		}
	}
	slices.Sort(tables) // two runs take them in one order
	return slices.Compact(tables)
}

// lockPair takes the locks of a statement's tables before it begins, all of them
// within one lock_timeout: the statement would take one and keep it while it
// waits for the next as long again. A table that is not there, or not the
// role's to lock, is left to the statement. It is "" when there is nothing to take.
func (r *runner) lockPair(step *migrate.Step, p *pair) string {
	if p == nil || !r.facts.blocks {
		return ""
	}
	timeout := r.lockTimeout(step)
	each := max(timeout/time.Duration(len(p.tables)), time.Millisecond)
	var b strings.Builder
	fmt.Fprintf(&b, ";\nSET LOCAL lock_timeout = %d;\nDO $kedge$ BEGIN\n", each.Milliseconds())
	for _, table := range p.tables {
		if strings.Contains(table, "$kedge$") {
			return ""
		}
		b.WriteString(" BEGIN LOCK TABLE ONLY " + table + " IN SHARE ROW EXCLUSIVE MODE;" +
			" EXCEPTION WHEN undefined_table OR invalid_schema_name OR insufficient_privilege OR wrong_object_type OR feature_not_supported THEN NULL; END;\n")
	}
	fmt.Fprintf(&b, "END $kedge$;\nSET LOCAL lock_timeout = %d", timeout.Milliseconds())
	return b.String()
}

// openingFailure is the error of what goes before a script. Locks that were not
// to be had are the statement's that needs them.
func (r *runner) openingFailure(step *migrate.Step, p *pair, pg *pgconn.PgError) error {
	if p == nil || pg.Code != codeLockTimeout && pg.Code != codeDeadlock {
		return atStep(step, r.preparing(step), pg)
	}
	local := *pg
	local.Position, local.InternalPosition, local.InternalQuery, local.Where = 0, 0, "", ""
	e := migrate.ErrorAt(step, p.statement, &local)
	e.Number = p.number
	return e
}

package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var uniqueWithoutIndex = Rule{
	Name: "unique-without-index", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			con := addedConstraint(c, ddl.Unique)
			if con == nil || con.UsingIndex != "" {
				return
			}
			name := constraintName(n.Name, con)
			fix := sql("CREATE UNIQUE INDEX CONCURRENTLY %[1]s ON %[2]s (%[3]s);\nALTER TABLE %[2]s ADD CONSTRAINT %[1]s UNIQUE USING INDEX %[1]s;", ddl.QuoteIdent(name), n.Name, list(con.Columns))
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Builds, Fix: fix,
				Message: fmt.Sprintf("a unique constraint builds its index while nobody reads or writes %s", n.Name),
			})
		})
	},
}

// addedConstraint returns the constraint of the kind that the subcommand adds, by itself or with a column; nil for none.
func addedConstraint(c *ddl.Command, kind ddl.ConstraintKind) *ddl.Constraint {
	switch {
	case c.Action == ddl.AddConstraint && c.Constraint != nil && c.Constraint.Kind == kind:
		return c.Constraint
	case c.Action == ddl.AddColumn && c.Definition != nil:
		if con := c.Definition.Find(kind); con != nil {
			with := *con
			with.Columns = []string{c.Definition.Name}
			return &with
		}
	}
	return nil
}

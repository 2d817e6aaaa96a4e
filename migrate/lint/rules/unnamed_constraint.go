package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var unnamedConstraint = Rule{
	Name: "unnamed-constraint", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.AnyAlter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action == ddl.AddConstraint && c.Constraint.Name == "" && c.Constraint.Kind != ddl.PrimaryKey && c.Constraint.Kind != ddl.NotNull {
				p.Report(Found{Span: c.Span, Object: n.Name, Message: fmt.Sprintf("the constraint has no name: PostgreSQL makes one up, such as %s, which a later migration has to guess", constraintName(n.Name, c.Constraint)),
					Fix: sql("ADD CONSTRAINT %s …", ddl.QuoteIdent(constraintName(n.Name, c.Constraint)))})
			}
		})
	},
}

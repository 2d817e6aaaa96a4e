package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var primaryKeyWithoutIndex = Rule{
	Name: "primary-key-without-index", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			con := addedConstraint(c, ddl.PrimaryKey)
			if con == nil {
				return
			}
			name := constraintName(n.Name, con)
			if con.UsingIndex == "" {
				p.Report(Found{
					Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Builds,
					Message: fmt.Sprintf("a primary key builds its index while nobody reads or writes %s", n.Name),
					Fix:     sql("CREATE UNIQUE INDEX CONCURRENTLY %[1]s ON %[2]s (%[3]s);\nALTER TABLE %[2]s ADD CONSTRAINT %[1]s PRIMARY KEY USING INDEX %[1]s;", ddl.QuoteIdent(name), n.Name, list(con.Columns)),
				})
				return
			}
			if e, ok := p.Effect(n.Name); ok && e.Scan && !e.Assumed {
				p.Report(Found{
					Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
					Message: fmt.Sprintf("a primary key on a column that may be null has every row of %s checked while nobody reads or writes it", n.Name),
					Fix:     "-- first, each column: a CHECK (column IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL",
				})
			}
		})
	},
}

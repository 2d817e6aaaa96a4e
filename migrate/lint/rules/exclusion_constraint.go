package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var exclusionConstraint = Rule{
	Name: "exclusion-constraint", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if addedConstraint(c, ddl.Exclude) != nil {
				p.Report(Found{
					Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Builds,
					Message: fmt.Sprintf("an exclusion constraint builds its index while nobody reads or writes %s, and there is no way to build it beforehand", n.Name),
					Fix:     "-- make a new table with the constraint, copy the rows in batches, and change over",
				})
			}
		})
	},
}

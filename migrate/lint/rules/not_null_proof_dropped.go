package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var notNullProofDropped = Rule{
	Name: "not-null-proof-dropped", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DropConstraint {
				return
			}
			i := slices.IndexFunc(n.Commands, func(o ddl.Command) bool { return o.Action == ddl.SetNotNull })
			if i < 0 {
				return
			}
			known := p.Known(n.Name).Constraint(c.Object)
			if known != nil && known.Kind != ddl.Check {
				return
			}
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
				Message: fmt.Sprintf("constraint %s is dropped before SET NOT NULL looks for it as its proof, so that every row of %s is read while nobody reads or writes it", ddl.QuoteIdent(c.Object), n.Name),
				Fix:     sql("ALTER TABLE %[1]s ALTER COLUMN %[2]s SET NOT NULL;\nALTER TABLE %[1]s DROP CONSTRAINT %[3]s;", n.Name, ddl.QuoteIdent(n.Commands[i].Column), ddl.QuoteIdent(c.Object)),
			})
		})
	},
}

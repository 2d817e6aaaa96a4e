package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropColumn = Rule{
	Name: "drop-column", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DropColumn {
				return
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("%s of %s is lost with its values, and code that still names it fails", ddl.QuoteIdent(c.Column), n.Name),
				Fix:     "-- first release code that does not use it; this in a later migration"})
		})
	},
}

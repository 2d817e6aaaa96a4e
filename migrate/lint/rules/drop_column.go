package rules

import (
	"fmt"
	"slices"

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
			message := fmt.Sprintf("%s of %s is lost with its values, and code that still names it fails", ddl.QuoteIdent(c.Column), n.Name)
			if r := p.Known(n.Name); r != nil {
				for _, con := range r.Constraints {
					if con.Kind != ddl.NotNull && slices.Contains(con.Columns, c.Column) {
						message += fmt.Sprintf("; so is %s %s", con.Kind, ddl.QuoteIdent(con.Name))
					}
				}
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Message: message,
				Fix: "-- first release code that does not use it; this in a later migration"})
		})
	},
}

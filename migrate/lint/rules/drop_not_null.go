package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropNotNull = Rule{
	Name: "drop-not-null", Family: Loss, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action == ddl.DropNotNull {
				p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive,
					Message: fmt.Sprintf("code that reads %s of %s may not expect a null there", ddl.QuoteIdent(c.Column), n.Name)})
			}
		})
	},
}

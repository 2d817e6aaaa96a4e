package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var renameColumn = Rule{
	Name: "rename-column", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.RenameColumn {
				return
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("code that runs meanwhile still asks for %s and fails", ddl.QuoteIdent(c.Column)),
				Fix:     sql("-- add the column %s, write both, fill the old rows, read the new one, and drop %s in a later release", ddl.QuoteIdent(c.NewName), ddl.QuoteIdent(c.Column))})
		})
	},
}
